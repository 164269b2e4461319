#include "gannet/train/run_options.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "gannet/core/numeric.h"

namespace gannet {

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

AugmentOptions make_augment_options(const Settings& settings) {
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
  options.release7_geometry = h.geometry == "v7";
  if (settings.train.close_mosaic > 0)
    options.mosaic_epochs = std::max(0, settings.train.epochs - settings.train.close_mosaic);
  return options;
}

namespace {

IouKind overlap_named(const std::string& word) {
  if (word == "ciou") return IouKind::kCiou;
  if (word == "diou") return IouKind::kDiou;
  return word == "giou" ? IouKind::kGiou : IouKind::kIou;
}

// Weights of release 7.0 from the smallest stride on (release-7.md 5.3), in the head's order.
std::vector<double> release7_balance(const HeadSpec& head) {
  const std::vector<double> by_stride = head.num_levels() == 3
                                            ? std::vector<double>{4, 1, 0.4}
                                            : std::vector<double>{4, 1, 0.25, 0.06, 0.02};
  std::vector<double> balance;
  for (const double stride : head.strides) {
    const auto finer = std::count_if(head.strides.begin(), head.strides.end(),
                                     [&](double other) { return other < stride; });
    balance.push_back(by_stride.at(static_cast<std::size_t>(finer)));
  }
  return balance;
}

}  // namespace

LossOptions make_loss_options(const Settings& settings, const HeadSpec& head, int image_size) {
  constexpr double kSizeOfGains = 640, kClassesOfGains = 80;
  const Hyperparameters& h = settings.hyp;
  LossOptions options;
  options.box_overlap = overlap_named(h.box_loss);
  options.iou_epsilon = h.box_loss == "giou" ? kIouEpsilon : kIouEpsilon7;
  if (h.level_balance == "v7") options.level_balance = release7_balance(head);
  options.box_gain = h.giou;
  options.objectness_gain = h.obj;
  if (h.obj_by_area) options.objectness_gain *= std::pow(image_size / kSizeOfGains, 2);
  options.class_gain = h.cls * head.num_classes / kClassesOfGains;
  options.edges_count_twice = settings.quirks() == Quirks::kRelease7;
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
  options.warmup_epochs = settings.hyp.warmup_epochs;
  options.warmup_momentum = settings.hyp.warmup_momentum;
  options.warmup_bias_lr = settings.hyp.warmup_bias_lr;
  options.nominal_batch = settings.hyp.nominal_batch;
  options.linear = settings.train.linear_lr;
  options.warm_momentum = settings.train.optimizer == "sgd";
  options.quirks = settings.quirks();
  return options;
}

double scaled_weight_decay(const Settings& settings) {
  const double batch = settings.train.batch_size, nominal = settings.hyp.nominal_batch;
  const auto accumulate =
      static_cast<double>(std::max<std::int64_t>(round_half_even(nominal / batch), 1));
  return settings.hyp.weight_decay * batch * accumulate / nominal;
}

GradientCompression gradient_compression(const std::string& word) {
  if (word == "bf16") return GradientCompression::kBf16;
  return word == "fp16" ? GradientCompression::kFp16 : GradientCompression::kNone;
}

}  // namespace gannet
