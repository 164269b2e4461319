// Non-maximum suppression of decoded predictions (RB 7.2).
#pragma once

#include <torch/types.h>

#include <vector>

#include "gannet/metrics/matching.h"

namespace gannet {

inline constexpr float kClassShiftRelease7 = 7680;

/// What is suppressed (RB 7.2; release 7.0, 8.2). Confidence is objectness times class score; with
/// more than one class a row counts once for each class above the threshold.
struct NmsOptions {
  double conf_threshold = 0.1;
  double iou_threshold = 0.6;  // a box that overlaps a stronger one more goes
  bool merge = false;          // boxes become the weighted mean of those that they suppress
  bool agnostic = false;       // suppress across classes
  bool best_class = false;     // a row counts for its best class only, as 7.0 detects
  /// Classes are kept apart by so many pixels: 4096 in July 2020, 7680 in 7.0. Boxes of larger
  /// pictures meet those of other classes.
  float class_shift_px = 4096;
  std::vector<int> classes = {};       // keep only these; empty keeps all
  int max_detections = 300;            // an image
  std::size_t max_candidates = 30000;  // of an image, the surest; bounds time and memory
};

/// Detections of each image, descending score, in the pixels of the prediction.
/// @param prediction_BNV (images, rows, 5 + classes): cx, cy, w, h px, objectness, class scores.
/// Computed in float32; no rows above the threshold give an empty list.
std::vector<std::vector<ScoredBox>> non_max_suppression(const torch::Tensor& prediction_BNV,
                                                        const NmsOptions& options);

}  // namespace gannet
