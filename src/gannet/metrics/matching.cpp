#include "gannet/metrics/matching.h"

#include <cstddef>

namespace gannet {
namespace {

// The original compares single-precision IoUs with single-precision thresholds.
constexpr std::array<float, kNumIouThresholds> kIouThresholds = {0.5f,  0.55f, 0.6f,  0.65f, 0.7f,
                                                                 0.75f, 0.8f,  0.85f, 0.9f,  0.95f};

struct BestLabel {
  float iou = 0;
  std::size_t index = 0;
};

/// The label of the detection's class that it overlaps best; the first one among equals.
BestLabel best_label(const ScoredBox& detection, const std::vector<ScoredBox>& labels) {
  BestLabel best;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].class_id != detection.class_id) continue;
    const float overlap = iou(detection.box, labels[i].box);
    if (overlap > best.iou) best = {overlap, i};
  }
  return best;
}

}  // namespace

std::vector<HitFlags> match_detections(const std::vector<ScoredBox>& detections,
                                       const std::vector<ScoredBox>& labels) {
  std::vector<HitFlags> hits(detections.size(), HitFlags{});
  std::vector<bool> taken(labels.size(), false);
  for (std::size_t d = 0; d < detections.size(); ++d) {
    const BestLabel best = best_label(detections[d], labels);
    if (!(best.iou > kIouThresholds[0]) || taken[best.index]) continue;
    taken[best.index] = true;
    for (std::size_t t = 0; t < kIouThresholds.size(); ++t) {
      hits[d][t] = best.iou > kIouThresholds[t];
    }
  }
  return hits;
}

}  // namespace gannet
