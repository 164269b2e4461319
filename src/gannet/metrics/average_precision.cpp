#include "gannet/metrics/average_precision.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>

namespace gannet {
namespace {

constexpr double kTiny = 1e-16;
constexpr double kReportedConfidence = 0.1;  // Q32: the later versions take the best F1 instead

/// Linear interpolation of (xs, ys) at x; xs ascend, possibly with equal neighbours, of which the
/// last one counts. Outside the range the first or last value holds.
double interpolate(double x, const std::vector<double>& xs, const std::vector<double>& ys) {
  if (x < xs.front()) return ys.front();
  const auto above = std::upper_bound(xs.begin(), xs.end(), x);
  if (above == xs.end()) return ys.back();
  const auto j = static_cast<std::size_t>(above - xs.begin()) - 1;
  if (xs[j] == x) return ys[j];
  const double slope = (ys[j + 1] - ys[j]) / (xs[j + 1] - xs[j]);
  return slope * (x - xs[j]) + ys[j];
}

struct Curve {
  std::vector<double> recall, precision;
};

/// Cumulative recall and precision of detections in descending order of score.
Curve curve_of(const std::vector<const DetectionRecord*>& ordered, std::size_t threshold,
               std::int64_t num_labels) {
  Curve curve;
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    correct += ordered[i]->hits[threshold] ? 1 : 0;
    const auto hits = static_cast<double>(correct);
    curve.recall.push_back(hits / (static_cast<double>(num_labels) + kTiny));
    curve.precision.push_back(hits / static_cast<double>(i + 1));
  }
  return curve;
}

ClassMetrics class_metrics(int class_id, std::int64_t num_labels,
                           const std::vector<const DetectionRecord*>& ordered) {
  ClassMetrics metrics;
  metrics.class_id = class_id;
  metrics.num_labels = num_labels;
  if (ordered.empty()) return metrics;
  std::vector<double> negative_scores;
  for (const DetectionRecord* record : ordered) {
    negative_scores.push_back(-static_cast<double>(record->score));
  }
  for (std::size_t t = 0; t < metrics.ap.size(); ++t) {
    const Curve curve = curve_of(ordered, t, num_labels);
    metrics.ap[t] = average_precision_of_curve(curve.recall, curve.precision);
    if (t > 0) continue;
    metrics.recall = interpolate(-kReportedConfidence, negative_scores, curve.recall);
    metrics.precision = interpolate(-kReportedConfidence, negative_scores, curve.precision);
  }
  metrics.f1 =
      2 * metrics.precision * metrics.recall / (metrics.precision + metrics.recall + kTiny);
  return metrics;
}

}  // namespace

double ClassMetrics::mean_ap() const {
  return std::accumulate(ap.begin(), ap.end(), 0.0) / static_cast<double>(ap.size());
}

std::vector<ClassMetrics> average_precision(const std::vector<DetectionRecord>& detections,
                                            const std::vector<int>& label_classes) {
  std::map<int, std::int64_t> num_labels;
  for (const int class_id : label_classes) ++num_labels[class_id];
  std::map<int, std::vector<const DetectionRecord*>> by_class;
  for (const DetectionRecord& record : detections) {
    if (num_labels.contains(record.class_id)) by_class[record.class_id].push_back(&record);
  }
  std::vector<ClassMetrics> result;
  for (const auto& [class_id, count] : num_labels) {
    std::vector<const DetectionRecord*>& ordered = by_class[class_id];
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto* a, const auto* b) { return a->score > b->score; });
    result.push_back(class_metrics(class_id, count, ordered));
  }
  return result;
}

double average_precision_of_curve(const std::vector<double>& recall,
                                  const std::vector<double>& precision) {
  if (recall.empty()) return 0;
  std::vector<double> xs{0.0};
  xs.insert(xs.end(), recall.begin(), recall.end());
  xs.push_back(std::min(recall.back() + 1e-3, 1.0));
  std::vector<double> envelope{0.0};
  envelope.insert(envelope.end(), precision.begin(), precision.end());
  envelope.push_back(0.0);
  for (std::size_t i = envelope.size() - 1; i > 0; --i) {
    envelope[i - 1] = std::max(envelope[i - 1], envelope[i]);
  }
  double area = 0;
  double previous = interpolate(0.0, xs, envelope);
  for (int i = 1; i <= 100; ++i) {
    const double x = i == 100 ? 1.0 : i * 0.01;
    const double value = interpolate(x, xs, envelope);
    area += (x - (i - 1) * 0.01) * (value + previous) / 2;
    previous = value;
  }
  return area;
}

MeanMetrics mean_metrics(const std::vector<ClassMetrics>& classes) {
  MeanMetrics mean;
  if (classes.empty()) return mean;
  for (const ClassMetrics& metrics : classes) {
    mean.precision += metrics.precision;
    mean.recall += metrics.recall;
    mean.map50 += metrics.ap50();
    mean.map += metrics.mean_ap();
  }
  const auto count = static_cast<double>(classes.size());
  return {mean.precision / count, mean.recall / count, mean.map50 / count, mean.map / count};
}

double fitness(const MeanMetrics& metrics) { return 0.1 * metrics.map50 + 0.9 * metrics.map; }

}  // namespace gannet
