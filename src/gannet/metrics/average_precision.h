// Precision, recall and average precision over a whole data set, as one of three protocols says.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "gannet/metrics/curves.h"
#include "gannet/metrics/matching.h"

namespace gannet {

/// One detection's part in the statistics.
struct DetectionRecord {
  HitFlags hits{};
  float score = 0;
  int class_id = 0;
};

/// Figures at one confidence, of the IoU-0.5 curve.
struct OperatingPoint {
  double confidence = 0, precision = 0, recall = 0, f1 = 0;
};

/// Figures of one class that has labels.
struct ClassMetrics {
  int class_id = 0;
  std::int64_t num_labels = 0;
  /// Where the protocol reads them: July 2020 at confidence 0.1 (Q32), the others at the best F1.
  double precision = 0, recall = 0, f1 = 0;
  std::array<double, kNumIouThresholds> ap{};
  OperatingPoint best_f1{};  // where the mean F1 of all classes, smoothed, is greatest
  ClassCurves curves;        // empty unless asked for
  double ap50() const { return ap[0]; }
  double ap75() const { return ap[5]; }
  double mean_ap() const;
};

struct AveragePrecisionOptions {
  MetricProtocol protocol = MetricProtocol::kJuly2020;
  bool keep_curves = false;  // 32 KB a class
};

/// Figures per class (RB 7.4; release 7.0, 8.4; COCO's curve); detections of equal score count in
/// the order given.
/// @param label_classes class of every ground-truth object
/// @return one entry per class that has labels, ascending class id
std::vector<ClassMetrics> average_precision(const std::vector<DetectionRecord>& detections,
                                            const std::vector<int>& label_classes,
                                            const AveragePrecisionOptions& options = {});

/// Fills `best_f1` of each class from the curves, which all classes must have: the first confidence
/// where the mean F1, smoothed over a tenth of its length, is greatest (release 7.0, 8.4).
void find_best_f1(std::vector<ClassMetrics>& classes);

/// Means of the curves of all classes; empty ones if there are none.
ClassCurves mean_curves(const std::vector<ClassMetrics>& classes);

struct MeanMetrics {
  double precision = 0, recall = 0, map50 = 0, map = 0;
  double f1 = 0, map75 = 0;
  OperatingPoint best_f1{};
};
/// Means over the classes that have labels; zeros if there are none.
MeanMetrics mean_metrics(const std::vector<ClassMetrics>& classes);

/// 0.1 mAP@.5 + 0.9 mAP@.5:.95: what "best" means.
double fitness(const MeanMetrics& metrics);

}  // namespace gannet
