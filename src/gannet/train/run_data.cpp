#include "gannet/train/run_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/data/index/image_weights.h"
#include "gannet/data/labels/label_path.h"
#include "gannet/data/loading/datasets.h"
#include "gannet/train/run_options.h"

namespace gannet {
namespace {

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
  train_set_ =
      make_training_dataset(train_index_, image_size_, make_augment_options(settings), cache);
  val_set_ = make_evaluation_dataset(val_index_, val_size_, cache);
}

std::vector<BatchPlan> RunData::train_plans(int epoch, const std::vector<double>& class_map) const {
  const TrainSettings& train = settings_.train;
  const auto seed = static_cast<std::uint64_t>(train.seed);
  const auto counted_epoch = static_cast<std::uint64_t>(epoch);
  const bool shuffle = settings_.quirks() != Quirks::kJuly2020;  // Q20
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

// In July 2020 these batches are not padded beyond the stride (RB 7.1, Q28: documented).
std::vector<BatchPlan> RunData::val_plans() const {
  const Hyperparameters& h = settings_.hyp;
  return plan_rectangular(aspect_ratios(*val_index_),
                          settings_.train.batch_size * h.val_batch_factor, val_size_, stride_,
                          h.val_pad);
}

std::int64_t RunData::batches_per_epoch() const {
  return static_cast<std::int64_t>(train_plans(0).size());
}

}  // namespace gannet
