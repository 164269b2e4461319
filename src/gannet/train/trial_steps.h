// Steps of training with random pictures, to see what memory they take.
#pragma once

#include <memory>
#include <vector>

#include "gannet/config/settings.h"
#include "gannet/nn/model.h"
#include "gannet/ops/placement.h"
#include "gannet/train/memory_plan.h"

namespace gannet {

/// What was seen.
struct TrialReport {
  std::vector<StepMemory> seen;  // none, few and, mostly, more images
  bool too_large = false;        // more images were not tried: they would not have fitted
  bool too_slow = false;         // nor these: they would have taken long
};

double weight_bytes(const DetectionModel& model);

/// Trains a model like this one, not the one itself: two steps with small images, then, if they are
/// likely to fit, two with a few of full size.
/// @param side of the images, px   @param limit bytes that a step may take
/// Throws Error (kMemory) where not even the least fits.
TrialReport try_steps(const Settings& settings, const DetectionModel& like,
                      const Placement& placement, int side, double limit);

}  // namespace gannet
