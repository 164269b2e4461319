#include "gannet/train/run_options.h"

#include <algorithm>
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
  if (settings.train.close_mosaic > 0)
    options.mosaic_epochs = std::max(0, settings.train.epochs - settings.train.close_mosaic);
  return options;
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

GradientCompression gradient_compression(const std::string& word) {
  if (word == "bf16") return GradientCompression::kBf16;
  return word == "fp16" ? GradientCompression::kFp16 : GradientCompression::kNone;
}

}  // namespace gannet
