// Non-maximum suppression of decoded predictions (RB 7.2).
#pragma once

#include <torch/types.h>

#include <vector>

#include "gannet/metrics/matching.h"

namespace gannet {

struct NmsOptions {
  double conf_threshold = 0.1;
  double iou_threshold = 0.6;
  bool merge = false;
  bool agnostic = false;
  std::vector<int> classes = {};  // keep only these; empty keeps all
  int max_detections = 300;
};

/// Detections of each image, descending score, in the pixels of the prediction.
/// @param prediction_BNV (images, rows, 5 + classes): cx, cy, w, h px, objectness, class scores.
/// Computed in float32; no rows above the threshold give an empty list.
std::vector<std::vector<ScoredBox>> non_max_suppression(const torch::Tensor& prediction_BNV,
                                                        const NmsOptions& options);

}  // namespace gannet
