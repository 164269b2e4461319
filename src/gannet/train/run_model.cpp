#include "gannet/train/run_model.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <utility>

#include "gannet/core/class_match.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/train/run_options.h"

namespace gannet {
namespace {

// One number n: layers 0 to n - 1. Several: these layers (release-7.md 2.1).
void freeze_layers(DetectionModel& model, const std::vector<int>& layers) {
  bool any_trained = false;
  int last_layer = 0;
  for (auto& p : model.named_parameters()) {
    const int layer = std::stoi(p.key().substr(p.key().find('.') + 1));
    last_layer = std::max(last_layer, layer);
    const bool frozen = layers.size() == 1
                            ? layer < layers.front()
                            : std::find(layers.begin(), layers.end(), layer) != layers.end();
    if (frozen) p.value().requires_grad_(false);
    any_trained = any_trained || !frozen;
  }
  for (const int layer : layers)
    if (layers.size() > 1 && layer > last_layer)
      throw Error(ErrorKind::kUsage,
                  fmt::format("there is no layer {}: the last one is {}", layer, last_layer),
                  {{}, 0, "--freeze"});
  if (!any_trained)
    throw Error(
        ErrorKind::kUsage, fmt::format("freezes all layers: the last one is {}", last_layer),
        {{}, 0, "--freeze"}, fmt::format("at most {} leaves something to train", last_layer));
}

ModelDescription describe_model(const TrainSettings& train, const Value& checkpoint,
                                const LoadedWeights& weights) {
  if (!checkpoint.is_none())
    return parse_model_description(checkpoint.string_at("model_yaml"), train.cfg);
  if (!train.cfg.empty()) return load_model_description(find_config(train.cfg));
  if (train.weights.empty()) return load_model_description(find_config(kDefaultModel));
  if (weights.model_yaml.empty())
    throw Error(ErrorKind::kUsage, "holds tensors but no model description", {train.weights, 0, {}},
                "name the model file that they belong to with --cfg");
  return parse_model_description(weights.model_yaml, train.weights);
}

/// Where both sides have class names and these differ, rows of the head go by name.
void match_names(const DetectionModel& model, LoadedWeights& weights, const std::string& path,
                 const std::vector<std::string>& names) {
  if (weights.names == names || !are_class_names(weights.names) || !are_class_names(names)) return;
  const ClassMatch match = match_classes(names, weights.names);
  const auto found = static_cast<std::size_t>(
      std::count_if(match.to.begin(), match.to.end(), [](int number) { return number >= 0; }));
  if (found == 0 && names.size() != weights.names.size()) return;  // a fresh head
  weights.state = match_head_classes(model, std::move(weights.state), match.to);
  if (found == names.size()) {
    log_info("{}: classes are matched by name: it has {}, the data set {}", path,
             list_names(weights.names), list_names(names));
    return;
  }
  std::vector<std::string> fresh = match.unknown;
  fresh.insert(fresh.end(), match.ambiguous.begin(), match.ambiguous.end());
  log_warning("{}: {} of {} classes are known by name, the head starts anew for {} (it has {})",
              path, found, names.size(), list_names(fresh), list_names(weights.names));
}

void transfer(DetectionModel& model, LoadedWeights weights, const Settings& settings,
              const std::vector<std::string>& names) {
  const TrainSettings& train = settings.train;
  if (!settings.compat_original()) match_names(model, weights, train.weights, names);
  const bool has_own_file = !train.cfg.empty();
  const TransferReport report = load_state(model, weights.state, has_own_file);
  if (report.transferred == 0)
    throw Error(ErrorKind::kCheckpoint, "no tensor fits the model: " + report.summary(),
                {train.weights, 0, {}}, "leave --cfg out: the weights know their own model");
  log_info("{}: {}", train.weights, report.summary());
  constexpr double kMostFit = 0.9;
  const auto fits = static_cast<double>(report.body_transferred);
  if (fits < kMostFit * static_cast<double>(report.body_total))
    log_warning(
        "{}: only {} of the {} tensors of the model's body fit, the others start from "
        "scratch (leave --cfg out to train the model of the weights)",
        train.weights, report.body_transferred, report.body_total);
}

}  // namespace

void round_to_half(const DetectionModel& model) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state_dict(model))
    if (tensor.is_floating_point()) tensor.copy_(tensor.to(torch::kFloat16));
}

std::shared_ptr<DetectionModel> build_run_model(const Settings& settings,
                                                const std::vector<std::string>& names,
                                                const Value& checkpoint) {
  const TrainSettings& train = settings.train;
  const bool resumes = !checkpoint.is_none();
  LoadedWeights weights;
  if (!train.weights.empty() && !resumes)
    weights = load_weights(train.weights,
                           train.raw_weights ? WeightsChoice::kRaw : WeightsChoice::kAveraged);
  const auto description = describe_model(train, checkpoint, weights);
  if (!weights.state.empty() && train.cfg.empty())
    log_info("{}: the model is that of the weights", train.weights);
  const auto num_classes = static_cast<int>(names.size());
  if (description.num_classes != num_classes)
    log_info("{}: nc {} of the model file becomes {}", description.file, description.num_classes,
             num_classes);
  ModelOptions options;
  options.num_classes = num_classes;
  options.seed = static_cast<std::uint64_t>(train.seed);
  options.dry_run_statistics = settings.compat_original();
  auto model = std::make_shared<DetectionModel>(description, options);
  if (!weights.state.empty()) transfer(*model, std::move(weights), settings, names);
  freeze_layers(*model, train.freeze);
  return model;
}

}  // namespace gannet
