// What images and batches add to an evaluation, and how the ranks' shares come together.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "gannet/dist/communicator.h"
#include "gannet/metrics/matching.h"

namespace gannet {

/// One image: boxes in its own pixels, detections by descending score.
struct ImageRecord {
  std::int64_t index = 0;  // in the data set
  std::vector<ScoredBox> detections;
  std::vector<HitFlags> hits;  // of each detection by July 2020's rule, in the network's pixels
  std::vector<ScoredBox> labels;
};

/// One batch: its mean loss (box, objectness, class) and the time that it took.
struct BatchRecord {
  std::int64_t number = 0;
  std::array<double, 3> loss{};
  double prepare_seconds = 0, inference_seconds = 0, nms_seconds = 0;
};

/// The records of all ranks, on each of them, in the order that one rank alone would have made them
/// in.
std::vector<ImageRecord> gather_in_order(const std::vector<ImageRecord>& own, Communicator& comm);
std::vector<BatchRecord> gather_in_order(const std::vector<BatchRecord>& own, Communicator& comm);

}  // namespace gannet
