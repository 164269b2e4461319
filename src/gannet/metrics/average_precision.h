// Precision, recall and average precision over a whole data set (RB 7.4).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "gannet/metrics/matching.h"

namespace gannet {

/// One detection's part in the statistics.
struct DetectionRecord {
  HitFlags hits{};
  float score = 0;
  int class_id = 0;
};

/// Figures of one class that has labels. P, R, F1 are at the confidence 0.1 of the IoU-0.5 curve.
struct ClassMetrics {
  int class_id = 0;
  std::int64_t num_labels = 0;
  double precision = 0, recall = 0, f1 = 0;
  std::array<double, kNumIouThresholds> ap{};
  double ap50() const { return ap[0]; }
  double mean_ap() const;
};

/// Figures per class; detections of equal score count in the order given.
/// @param label_classes class of every ground-truth object
/// @return one entry per class that has labels, ascending class id
std::vector<ClassMetrics> average_precision(const std::vector<DetectionRecord>& detections,
                                            const std::vector<int>& label_classes);

/// Area under one precision-recall curve: 101-point interpolation of the envelope.
double average_precision_of_curve(const std::vector<double>& recall,
                                  const std::vector<double>& precision);

struct MeanMetrics {
  double precision = 0, recall = 0, map50 = 0, map = 0;
};
/// Means over the classes that have labels; zeros if there are none.
MeanMetrics mean_metrics(const std::vector<ClassMetrics>& classes);

/// 0.1 mAP@.5 + 0.9 mAP@.5:.95: what "best" means.
double fitness(const MeanMetrics& metrics);

}  // namespace gannet
