// What the settings mean for each part of a run.
#pragma once

#include <cstdint>
#include <string>

#include "gannet/config/settings.h"
#include "gannet/data/augment/augment_options.h"
#include "gannet/dist/communicator.h"
#include "gannet/loss/detection_loss.h"
#include "gannet/train/schedule.h"

namespace gannet {

/// The model file where neither --cfg nor --weights names one.
inline constexpr const char* kDefaultModel = "yolov5s.yaml";

/// Absolute paths of everything that a run depends on, so that it can be repeated and resumed from
/// anywhere. Throws Error (kUsage) for a file that does not exist.
/// @param resumes the model comes from the checkpoint, its files may be gone
void make_paths_absolute(TrainSettings& settings, bool resumes);

AugmentOptions make_augment_options(const Settings& settings);
/// @param image_size of training, px
LossOptions make_loss_options(const Settings& settings, const HeadSpec& head, int image_size);
ScheduleOptions make_schedule_options(const Settings& settings, std::int64_t batches_per_epoch);
/// Weight decay scaled to the batch size and its accumulation (RB 6.1).
double scaled_weight_decay(const Settings& settings);
/// @param word none, bf16 or fp16
GradientCompression gradient_compression(const std::string& word);

}  // namespace gannet
