// COCO's matching of one class's detections to its objects, image by image.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "gannet/metrics/coco_eval.h"

namespace gannet {

/// A bit per IoU threshold, the lowest for 0.5.
using ThresholdBits = std::uint32_t;

/// What became of a detection.
struct CocoMatch {
  double score = 0;
  int rank = 0;  // among those of its image and class, from 0
  std::array<ThresholdBits, kNumCocoAreas> matched{}, ignored{};  // by range of areas
};

struct CocoMatches {
  std::vector<CocoMatch> detections;                      // descending score
  std::array<std::int64_t, kNumCocoAreas> num_objects{};  // that have to be found
};

/// Matches the detections of one class, in any order. At each threshold a detection, in descending
/// order of score, takes the free object that it overlaps best, objects that need not be found
/// (crowd regions, areas out of range) only if there is no other; the last one among equals. Crowd
/// regions stay free, and IoU with them is the part of the detection inside. Detections that took
/// such an object are ignored, and so are those without a match whose area is out of range.
CocoMatches match_coco_class(std::vector<const CocoTruth*> truth,
                             std::vector<const CocoDetection*> detections);

}  // namespace gannet
