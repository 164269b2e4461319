#include "gannet/train/run_setup.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/data/datasets.h"
#include "gannet/data/image_weights.h"
#include "gannet/nn/checkpoint.h"

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
  for (auto& p : model.named_parameters()) {
    const int layer = std::stoi(p.key().substr(p.key().find('.') + 1));
    if (layer < count) p.value().requires_grad_(false);
  }
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
  if (train_index_->num_labels() == 0)
    throw Error(
        ErrorKind::kData,
        fmt::format("none of the {} training images has a label", train_index_->images.size()),
        {description_.file, 0, "train"}, "labels are looked for in the parallel folder 'labels'");
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
    auto plans =
        plan_rectangular(aspect_ratios(*train_index_), train.batch_size, image_size_, stride_, 0.0);
    return shuffle ? shuffle_batches(std::move(plans), seed, counted_epoch) : plans;
  }
  SamplerOptions options;
  options.num_images = static_cast<std::int64_t>(train_index_->images.size());
  options.batch_size = train.batch_size;
  options.image_size = image_size_;
  options.shuffle = shuffle;
  options.seed = seed;
  if (!train.image_weights) return plan_epoch(options, counted_epoch);
  const auto num_classes = static_cast<std::size_t>(description_.num_classes);
  return plan_weighted(
      options,
      image_weights(*train_index_,
                    class_map.empty() ? std::vector<double>(num_classes) : class_map),
      counted_epoch);
}

// In training the batches are not padded beyond the stride (RB 7.1, Q28: documented).
std::vector<BatchPlan> RunData::val_plans() const {
  return plan_rectangular(aspect_ratios(*val_index_), settings_.train.batch_size, val_size_,
                          stride_, 0.0);
}

std::int64_t RunData::batches_per_epoch() const {
  return static_cast<std::int64_t>(train_plans(0).size());
}

std::shared_ptr<DetectionModel> build_run_model(const Settings& settings, int num_classes,
                                                const Value& checkpoint) {
  const TrainSettings& train = settings.train;
  const bool resumes = !checkpoint.is_none();
  const auto description =
      resumes ? parse_model_description(checkpoint.string_at("model_yaml"), train.cfg)
              : load_model_description(find_config(train.cfg));
  if (description.num_classes != num_classes)
    log_info("{}: nc {} of the model file becomes {}", description.file, description.num_classes,
             num_classes);
  ModelOptions options;
  options.num_classes = num_classes;
  options.seed = static_cast<std::uint64_t>(train.seed);
  options.dry_run_statistics = settings.compat_original();
  auto model = std::make_shared<DetectionModel>(description, options);
  if (!train.weights.empty() && !resumes) {
    const auto choice = train.raw_weights ? WeightsChoice::kRaw : WeightsChoice::kAveraged;
    const TransferReport report = load_state(*model, load_weights(train.weights, choice), true);
    if (report.transferred == 0)
      throw Error(ErrorKind::kCheckpoint, "no tensor fits the model: " + report.summary(),
                  {train.weights, 0, {}}, "give the --cfg that the weights were trained with");
    log_info("{}: {}", train.weights, report.summary());
  }
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
