#include "gannet/train/run_setup.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "gannet/core/class_match.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/data/index/image_weights.h"
#include "gannet/data/labels/label_path.h"
#include "gannet/data/loading/datasets.h"
#include "gannet/nn/checkpoint.h"

namespace gannet {
namespace {

constexpr const char* kDefaultModel = "yolov5s.yaml";

int checked_image_size(int size, int stride, const char* what) {
  const auto raised = static_cast<int>(ceil_to_multiple(size, stride));
  if (raised != size)
    log_warning("{} image size {} is not a multiple of {}: using {}", what, size, stride, raised);
  return raised;
}

std::shared_ptr<const ImageIndex> index_images(const DataDescription& data,
                                               const Settings& settings, const char* what) {
  IndexOptions options;
  options.single_class = settings.train.single_cls;
  options.num_threads = std::max(1, settings.train.workers);
  auto index = std::make_shared<ImageIndex>(build_split_index(data, what, options));
  log_report(*index, what);
  return index;
}

/// Says whether label files are missing, empty, or cannot be used.
Error without_labels(const ImageIndex& index, const std::string& file) {
  const IndexReport& report = index.report;
  const std::string what =
      fmt::format("none of the {} training images has a label", index.images.size());
  const Where where{file, 0, "train"};
  if (!report.problems.empty())
    return {ErrorKind::kData, what, where, "the first problem: " + report.problems.front()};
  if (report.empty > 0 || report.crowd > 0)
    return {ErrorKind::kData, what, where,
            fmt::format("{} of them have annotations without a single object", report.empty)};
  return {ErrorKind::kData, what, where,
          fmt::format("'{}' does not exist; labels are looked for in the parallel folder 'labels' "
                      "and beside the images",
                      label_path(index.images.front().path))};
}

AugmentOptions augment_options(const Settings& settings) {
  const Hyperparameters& h = settings.hyp;
  AugmentOptions options;
  options.hsv_h = h.hsv_h;
  options.hsv_s = h.hsv_s;
  options.hsv_v = h.hsv_v;
  options.degrees = h.degrees;
  options.translate = h.translate;
  options.scale = h.scale;
  options.shear = h.shear;
  options.flip_left_right = h.fliplr;
  options.mosaic = !settings.train.rect;
  options.reduced_decode = !settings.compat_original();
  options.perspective = h.perspective;
  options.flip_up_down = h.flipud;
  options.mosaic_probability = h.mosaic;
  options.mosaic9 = h.mosaic9;
  options.mixup = h.mixup;
  options.copy_paste = h.copy_paste;
  if (settings.train.close_mosaic > 0)
    options.mosaic_epochs = std::max(0, settings.train.epochs - settings.train.close_mosaic);
  return options;
}

void freeze_layers(DetectionModel& model, int count) {
  bool any_trained = false;
  int last_layer = 0;
  for (auto& p : model.named_parameters()) {
    const int layer = std::stoi(p.key().substr(p.key().find('.') + 1));
    last_layer = std::max(last_layer, layer);
    if (layer < count) p.value().requires_grad_(false);
    any_trained = any_trained || layer >= count;
  }
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
  log_info("{}: the model is that of the weights", train.weights);
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

DataDescription load_run_data_description(const TrainSettings& settings) {
  DataDescription data = load_data_description(find_config(settings.data));
  complete_names(data);
  if (settings.single_cls) {
    data.num_classes = 1;
    data.names = {"item"};
  }
  return data;
}

RunData::RunData(const Settings& settings, DataDescription description, int stride)
    : settings_(settings), stride_(stride), description_(std::move(description)) {
  const TrainSettings& train = settings.train;
  image_size_ = checked_image_size(train.img_size.at(0), stride, "training");
  val_size_ = checked_image_size(train.img_size.at(1), stride, "evaluation");
  train_index_ = index_images(description_, settings, "train");
  if (train_index_->num_labels() == 0) throw without_labels(*train_index_, description_.file);
  const bool same_images =
      description_.val == description_.train &&
      description_.annotations_of("val") == description_.annotations_of("train");
  val_index_ = same_images ? train_index_ : index_images(description_, settings, "val");
  ImageCacheOptions cache;
  cache.kind = image_cache_kind(train.cache_images);
  train_set_ = make_training_dataset(train_index_, image_size_, augment_options(settings), cache);
  val_set_ = make_evaluation_dataset(val_index_, val_size_, cache);
}

std::vector<BatchPlan> RunData::train_plans(int epoch, const std::vector<double>& class_map) const {
  const TrainSettings& train = settings_.train;
  const auto seed = static_cast<std::uint64_t>(train.seed);
  const auto counted_epoch = static_cast<std::uint64_t>(epoch);
  const bool shuffle = !settings_.compat_original();  // Q20
  if (train.rect) {
    auto plans = merge_small_batch(
        plan_rectangular(aspect_ratios(*train_index_), train.batch_size, image_size_, stride_, 0.0),
        least_batch_);
    return shuffle ? shuffle_batches(std::move(plans), seed, counted_epoch) : plans;
  }
  SamplerOptions options;
  options.num_images = static_cast<std::int64_t>(train_index_->images.size());
  options.batch_size = train.batch_size;
  options.image_size = image_size_;
  options.shuffle = shuffle;
  options.seed = seed;
  if (!train.image_weights)
    return merge_small_batch(plan_epoch(options, counted_epoch), least_batch_);
  const auto num_classes = static_cast<std::size_t>(description_.num_classes);
  const auto weights = image_weights(
      *train_index_, class_map.empty() ? std::vector<double>(num_classes) : class_map);
  return merge_small_batch(plan_weighted(options, weights, counted_epoch), least_batch_);
}

// In training the batches are not padded beyond the stride (RB 7.1, Q28: documented).
std::vector<BatchPlan> RunData::val_plans() const {
  return plan_rectangular(aspect_ratios(*val_index_), settings_.train.batch_size, val_size_,
                          stride_, 0.0);
}

std::int64_t RunData::batches_per_epoch() const {
  return static_cast<std::int64_t>(train_plans(0).size());
}

void make_paths_absolute(TrainSettings& settings, bool resumes) {
  namespace fs = std::filesystem;
  const auto absolute = [](const std::string& path) {
    return path.empty() ? path : fs::absolute(path).lexically_normal().string();
  };
  settings.data = absolute(find_config(settings.data));
  settings.project = absolute(settings.project);
  if (resumes) return;
  settings.weights = absolute(settings.weights);
  if (!settings.hyp.empty()) settings.hyp = absolute(find_config(settings.hyp));
  if (settings.cfg.empty() && settings.weights.empty()) settings.cfg = kDefaultModel;
  if (!settings.cfg.empty()) settings.cfg = absolute(find_config(settings.cfg));
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

LossOptions make_loss_options(const Settings& settings, int num_classes) {
  const Hyperparameters& h = settings.hyp;
  LossOptions options;
  options.box_gain = h.giou;
  options.objectness_gain = h.obj;
  options.class_gain = h.cls * num_classes / 80;
  options.class_positive_weight = h.cls_pw;
  options.objectness_positive_weight = h.obj_pw;
  options.focal_gamma = h.fl_gamma;
  options.anchor_threshold = h.anchor_t;
  options.label_smoothing = settings.train.label_smoothing;
  return options;
}

ScheduleOptions make_schedule_options(const Settings& settings, std::int64_t batches_per_epoch) {
  ScheduleOptions options;
  options.epochs = settings.train.epochs;
  options.batches_per_epoch = batches_per_epoch;
  options.total_batch = settings.train.batch_size;
  options.lr0 = settings.hyp.lr0;
  options.lrf = settings.hyp.lrf;
  options.momentum = settings.hyp.momentum;
  options.min_warmup_steps = settings.hyp.warmup_iterations;
  options.nominal_batch = settings.hyp.nominal_batch;
  options.linear = settings.train.linear_lr;
  options.warm_momentum = settings.train.optimizer == "sgd";
  options.original = settings.compat_original();
  return options;
}

double scaled_weight_decay(const Settings& settings) {
  const double batch = settings.train.batch_size, nominal = settings.hyp.nominal_batch;
  const auto accumulate =
      static_cast<double>(std::max<std::int64_t>(round_half_even(nominal / batch), 1));
  return settings.hyp.weight_decay * batch * accumulate / nominal;
}

}  // namespace gannet
