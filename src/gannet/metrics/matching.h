// Which detections of an image are right, at the ten IoU thresholds 0.50, 0.55, ... 0.95.
#pragma once

#include <array>
#include <vector>

#include "gannet/core/box.h"

namespace gannet {

inline constexpr int kNumIouThresholds = 10;
using HitFlags = std::array<bool, kNumIouThresholds>;

/// A detection or label in one common pixel frame.
struct ScoredBox {
  Box box;
  float score = 0;
  int class_id = 0;
};

/// Matching of RB 7.1 step 5: per class, detections in the order given (descending score) take the
/// label that they overlap best if IoU > 0.5 and it is free. @return one row per detection.
std::vector<HitFlags> match_detections(const std::vector<ScoredBox>& detections,
                                       const std::vector<ScoredBox>& labels);

}  // namespace gannet
