#include "gannet/train/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "gannet/config/data_description.h"
#include "gannet/config/model_description.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/data/index/image_index.h"
#include "gannet/dist/communicator.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/train/run_options.h"

namespace gannet {
namespace {

// A file with tensors alone says nothing: it needs --cfg, as the run itself will say.
ModelDescription described_model(const TrainSettings& train) {
  if (train.cfg.empty() && !train.weights.empty()) {
    const std::string text = load_weights(train.weights).model_yaml;
    return text.empty() ? ModelDescription() : parse_model_description(text, train.weights);
  }
  return load_model_description(find_config(train.cfg.empty() ? kDefaultModel : train.cfg));
}

int median(std::vector<int> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Collects decisions for what nobody chose.
class Decisions {
 public:
  explicit Decisions(const Settings& settings) : settings_(settings) {}
  template <class T>
  void add(const std::string& key, const T& value, const std::string& reason) {
    if (!settings_.chosen.contains(key)) made_.push_back({key, fmt::format("{}", value), reason});
  }
  std::vector<Decision> take() { return std::move(made_); }

 private:
  const Settings& settings_;
  std::vector<Decision> made_;
};

constexpr double kLargeForAdamW = 0.005;

bool chose(const std::vector<Decision>& decisions, const std::string& key) {
  return std::any_of(decisions.begin(), decisions.end(),
                     [&](const Decision& d) { return d.key == key; });
}

}  // namespace

std::string recipe_of_model(const TrainSettings& train) {
  return described_model(train).generation == Generation::kRelease7 ? "v7" : "july2020";
}

DataSummary summarise(const ImageIndex& index, int num_classes) {
  std::vector<int> sides;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(num_classes));
  for (const IndexedImage& image : index.images) {
    sides.push_back(std::max(image.width, image.height));
    for (const Label& label : image.labels) ++counts.at(static_cast<std::size_t>(label.class_id));
  }
  std::erase(counts, 0);
  DataSummary data;
  data.images = static_cast<std::int64_t>(index.images.size());
  data.boxes = index.num_labels();
  data.classes = static_cast<std::int64_t>(counts.size());
  data.rarest = counts.empty() ? 0 : *std::min_element(counts.begin(), counts.end());
  data.image_side_px = median(std::move(sides));
  return data;
}

std::vector<Decision> decide_recipe(const Settings& settings, const DataSummary& data) {
  // Below this many batches AdamW ends higher than SGD with accumulation, see docs/recipes.md.
  constexpr std::int64_t kFewBatches = 10'000;
  const TrainSettings& train = settings.train;
  const std::int64_t per_epoch =
      std::max<std::int64_t>(1, (data.images + train.batch_size - 1) / train.batch_size);
  const std::int64_t batches = per_epoch * train.epochs;
  const bool tunes = !train.weights.empty();
  Decisions decide(settings);

  const auto side = static_cast<int>(
      std::clamp<std::int64_t>(ceil_to_multiple(data.image_side_px, 64), 320, 640));
  decide.add(
      "train.img_size", side,
      fmt::format("the images have {} px, the median of their longer sides", data.image_side_px));
  if (batches < kFewBatches) {
    const double rate = tunes ? 0.0005 : 0.002;
    const std::string budget = fmt::format("{} batches are few", batches);
    decide.add("train.optimizer", "adamw", budget + ": SGD would only just have begun");
    decide.add("hyp.lr0", rate, tunes ? "the weights know something already" : "for AdamW");
    decide.add("hyp.warmup_bias_lr", rate, "AdamW's steps are of one length from the start");
    decide.add("hyp.nominal_batch", train.batch_size, budget + ": each one makes an update");
  }
  const double warmup = std::clamp(0.06 * train.epochs, 0.5, 3.0);
  decide.add("hyp.warmup_epochs", warmup, fmt::format("in proportion to {} epochs", train.epochs));
  decide.add("hyp.warmup_iterations", 0, "no longer than that");
  decide.add("train.linear_lr", false, "a cosine spends more of a short run at both ends");
  // The average looks back over a fifth of the run, once the first twentieth is over.
  const double updates = static_cast<double>(
      batches < kFewBatches ? batches : batches * train.batch_size / settings.hyp.nominal_batch);
  const double window = std::clamp(updates / 5, 20.0, 10'000.0);
  decide.add("hyp.ema_decay", std::round((1 - 1 / window) * 1e5) / 1e5,
             fmt::format("an average over the last {:.0f} of {:.0f} updates", window, updates));
  decide.add("hyp.ema_tau", std::round(std::clamp(updates / 20, 10.0, 2000.0)),
             "which it reaches slowly: the first weights are of no use");
  const int plain = std::max(1, train.epochs / 8);
  if (!train.rect && train.epochs > 4)
    decide.add("train.close_mosaic", plain, "the last eighth sees pictures as they are");
  return decide.take();
}

void decide_settings(Settings& settings, const DataDescription& description, Communicator& comm) {
  DataSummary data;
  comm.one_first("a look at the data set", [&] {
    IndexOptions options;
    options.single_class = settings.train.single_cls;
    options.num_threads = std::max(1, settings.train.workers);
    data = summarise(build_split_index(description, "train", options), description.num_classes);
  });
  if (comm.is_main())
    log_info("recipe auto: {} images, {} boxes of {} classes, {} of the rarest", data.images,
             data.boxes, data.classes, data.rarest);
  const std::vector<Decision> decisions = decide_recipe(settings, data);
  for (const Decision& decision : decisions) {
    assign_setting(settings, decision.key, decision.value);
    if (comm.is_main())
      log_info("recipe auto: {} = {}: {}", decision.key, decision.value, decision.reason);
  }
  if (comm.is_main() && settings.hyp.lr0 > kLargeForAdamW && chose(decisions, "train.optimizer"))
    log_warning("recipe auto: lr0 {} was given and stays, but is large for AdamW: leave it out",
                settings.hyp.lr0);
  check_settings(settings);
}

}  // namespace gannet
