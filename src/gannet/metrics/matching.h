// Which detections of an image are right, at the ten IoU thresholds 0.50, 0.55, ... 0.95.
#pragma once

#include <array>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/metrics/protocol.h"

namespace gannet {

inline constexpr int kNumIouThresholds = 10;
using HitFlags = std::array<bool, kNumIouThresholds>;

/// A detection or label in one common pixel frame.
struct ScoredBox {
  Box box;
  float score = 0;
  int class_id = 0;
};

/// Matches within each class, detections in the order given (descending score):
/// - July 2020 (RB 7.1 step 5): a detection takes the label that it overlaps best, if IoU > 0.5 and
///   the label is free; it is right at the thresholds below that IoU.
/// - 7.0 (release 7.0, 8.3; R11 kept): at each threshold by itself, a label goes to the first of
/// the
///   detections that overlap it best of all labels and by at least the threshold.
/// - COCO: at each threshold by itself, a detection takes the free label that it overlaps best, if
///   by at least the threshold. Crowd regions and sizes are the matter of `evaluate_coco`.
/// Among labels of equal IoU, July 2020 takes the first and the others the last.
/// @return one row per detection
std::vector<HitFlags> match_detections(const std::vector<ScoredBox>& detections,
                                       const std::vector<ScoredBox>& labels,
                                       MetricProtocol protocol = MetricProtocol::kJuly2020);

}  // namespace gannet
