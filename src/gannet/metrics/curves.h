// Precision and recall as curves: over detections, over recall and over confidence.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "gannet/metrics/protocol.h"

namespace gannet {

/// Recall and precision after each detection of one class, in descending order of score.
struct PrecisionRecall {
  std::vector<double> recall, precision;
};

/// Curves of one class at IoU 0.5, for the best confidence and for plots, at 1000 positions
/// `curve_position(i)` from 0 to 1.
struct ClassCurves {
  std::vector<double> precision, recall, f1;  // at that confidence
  std::vector<double> precision_at_recall;    // at that recall, as the protocol interpolates
  bool empty() const { return f1.empty(); }
};
inline constexpr std::size_t kNumCurvePoints = 1000;
double curve_position(std::size_t i);

/// Area under one precision-recall curve; 0 for an empty one.
/// July 2020 (RB 7.4): trapezoids over 101 points of the envelope, which ends 0.001 behind the last
/// recall. 7.0 (release 7.0, 8.4): the same, but a straight line leads from the last recall to
/// (1, 0), R10. COCO: the mean of `precisions_at_recalls`.
double average_precision_of_curve(const std::vector<double>& recall,
                                  const std::vector<double>& precision,
                                  MetricProtocol protocol = MetricProtocol::kJuly2020);

/// COCO's reading of a curve: for each recall 0, 0.01, ... 1 the greatest precision at that recall
/// or a greater one; 0 where the curve does not get there.
inline constexpr std::size_t kNumRecalls = 101;
std::array<double, kNumRecalls> precisions_at_recalls(const std::vector<double>& recall,
                                                      const std::vector<double>& precision);

/// Curves of a class. @param scores of the detections that `curve` follows, descending.
/// Above the highest score recall is 0 and precision 1; below the lowest the last values hold.
ClassCurves curves_of_class(const std::vector<double>& scores, const PrecisionRecall& curve,
                            MetricProtocol protocol);

/// P and R where the confidence is `confidence`; beyond the scores the nearest value holds.
/// @return {precision, recall}; zeros without detections
std::array<double, 2> precision_recall_at(double confidence, const std::vector<double>& scores,
                                          const PrecisionRecall& curve);

/// Mean over a window as wide as `fraction` of the length (and a value more), the ends being
/// repeated outwards.
/// A window of even width gives one value more than there were (release 7.0, 8.4).
std::vector<double> smooth(const std::vector<double>& values, double fraction);

}  // namespace gannet
