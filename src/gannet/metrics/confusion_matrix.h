// Which class is taken for which: counts of (predicted, true) pairs with a background of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gannet/metrics/matching.h"

namespace gannet {

struct ConfusionOptions {
  float min_confidence = 0.25f;  // a detection must be surer
  float min_iou = 0.45f;         // and overlap more
  /// Counts false detections only in images with labels, and with a match (R12, as release 7.0).
  bool original = false;
};

/// Counts over images (release 7.0, 8.5). Detections meet labels regardless of class: each
/// detection chooses the label that it overlaps most, each label the one of these that overlaps it
/// most; the last one among equals.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(int num_classes, ConfusionOptions options = {});

  /// Adds an image. Classes must be in [0, num_classes).
  void add(const std::vector<ScoredBox>& detections, const std::vector<ScoredBox>& labels);
  /// Adds another rank's `counts()`, of the same number of classes.
  void merge(const std::vector<std::int64_t>& counts);

  int num_classes() const { return num_classes_; }
  /// As predicted class: a label that was not found; as true class: a false detection.
  int background() const { return num_classes_; }
  std::int64_t at(int predicted, int actual) const { return counts_[place(predicted, actual)]; }
  /// Row-major (num_classes + 1)^2, [predicted, true], background last.
  const std::vector<std::int64_t>& counts() const { return counts_; }

 private:
  std::size_t place(int predicted, int actual) const;
  void count(int predicted, int actual) { ++counts_[place(predicted, actual)]; }

  int num_classes_;
  ConfusionOptions options_;
  std::vector<std::int64_t> counts_;
};

}  // namespace gannet
