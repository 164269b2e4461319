#include "gannet/metrics/matching.h"

#include <cstddef>

#include "gannet/metrics/overlap.h"

namespace gannet {
namespace {

// The originals compare single-precision IoUs with single-precision thresholds.
constexpr std::array<float, kNumIouThresholds> kIouThresholds = {0.5f,  0.55f, 0.6f,  0.65f, 0.7f,
                                                                 0.75f, 0.8f,  0.85f, 0.9f,  0.95f};

struct BestLabel {
  float iou = 0;
  std::size_t index = 0;
};

/// The label of the detection's class that it overlaps best; the first one among equals.
BestLabel first_best_label(const ScoredBox& detection, const std::vector<ScoredBox>& labels) {
  BestLabel best;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].class_id != detection.class_id) continue;
    const float overlap = iou(detection.box, labels[i].box);
    if (overlap > best.iou) best = {overlap, i};
  }
  return best;
}

/// As first_best_label, but the last one among equals, and IoU as 7.0 rounds it.
BestLabel last_best_label(const ScoredBox& detection, const std::vector<ScoredBox>& labels) {
  BestLabel best;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].class_id != detection.class_id) continue;
    const float overlap = iou_of_v7(labels[i].box, detection.box);
    if (overlap > 0 && overlap >= best.iou) best = {overlap, i};
  }
  return best;
}

using Hits = std::vector<HitFlags>;

void match_july2020(const std::vector<ScoredBox>& detections, const std::vector<ScoredBox>& labels,
                    Hits& hits) {
  std::vector<bool> taken(labels.size(), false);
  for (std::size_t d = 0; d < detections.size(); ++d) {
    const BestLabel best = first_best_label(detections[d], labels);
    if (!(best.iou > kIouThresholds[0]) || taken[best.index]) continue;
    taken[best.index] = true;
    for (std::size_t t = 0; t < kIouThresholds.size(); ++t) {
      hits[d][t] = best.iou > kIouThresholds[t];
    }
  }
}

void match_v7(const std::vector<ScoredBox>& detections, const std::vector<ScoredBox>& labels,
              Hits& hits) {
  std::vector<HitFlags> taken(labels.size(), HitFlags{});
  for (std::size_t d = 0; d < detections.size(); ++d) {
    const BestLabel best = last_best_label(detections[d], labels);
    if (best.iou < kIouThresholds[0]) continue;
    for (std::size_t t = 0; t < kIouThresholds.size() && best.iou >= kIouThresholds[t]; ++t) {
      hits[d][t] = !taken[best.index][t];
      taken[best.index][t] = true;
    }
  }
}

void match_coco(const std::vector<ScoredBox>& detections, const std::vector<ScoredBox>& labels,
                Hits& hits) {
  std::vector<HitFlags> taken(labels.size(), HitFlags{});
  for (std::size_t d = 0; d < detections.size(); ++d) {
    std::array<BestLabel, kNumIouThresholds> best{};
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i].class_id != detections[d].class_id) continue;
      const float overlap = iou(detections[d].box, labels[i].box);
      for (std::size_t t = 0; t < kIouThresholds.size() && overlap >= kIouThresholds[t]; ++t) {
        if (!taken[i][t] && overlap >= best[t].iou) best[t] = {overlap, i};
      }
    }
    for (std::size_t t = 0; t < kIouThresholds.size(); ++t) {
      hits[d][t] = best[t].iou > 0;
      if (hits[d][t]) taken[best[t].index][t] = true;
    }
  }
}

}  // namespace

std::vector<HitFlags> match_detections(const std::vector<ScoredBox>& detections,
                                       const std::vector<ScoredBox>& labels,
                                       MetricProtocol protocol) {
  Hits hits(detections.size(), HitFlags{});
  if (protocol == MetricProtocol::kJuly2020) match_july2020(detections, labels, hits);
  if (protocol == MetricProtocol::kV7) match_v7(detections, labels, hits);
  if (protocol == MetricProtocol::kCoco) match_coco(detections, labels, hits);
  return hits;
}

}  // namespace gannet
