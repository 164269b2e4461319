#include "gannet/metrics/average_precision.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <numeric>

namespace gannet {
namespace {

constexpr double kTiny = 1e-16;
constexpr double kConfidenceOfJuly2020 = 0.1;  // Q32
constexpr double kSmoothing = 0.1;             // width of the window over the F1 curve

/// Cumulative recall and precision of detections in descending order of score.
PrecisionRecall curve_of(const std::vector<const DetectionRecord*>& ordered, std::size_t threshold,
                         std::int64_t num_labels) {
  PrecisionRecall curve;
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    correct += ordered[i]->hits[threshold] ? 1 : 0;
    const auto hits = static_cast<double>(correct);
    curve.recall.push_back(hits / (static_cast<double>(num_labels) + kTiny));
    curve.precision.push_back(hits / static_cast<double>(i + 1));
  }
  return curve;
}

double f1_of(double precision, double recall) {
  return 2 * precision * recall / (precision + recall + kTiny);
}

ClassMetrics class_metrics(int class_id, std::int64_t num_labels,
                           const std::vector<const DetectionRecord*>& ordered,
                           MetricProtocol protocol) {
  ClassMetrics metrics;
  metrics.class_id = class_id;
  metrics.num_labels = num_labels;
  std::vector<double> scores;
  for (const DetectionRecord* record : ordered) scores.push_back(record->score);
  for (std::size_t t = 0; t < metrics.ap.size(); ++t) {
    const PrecisionRecall curve = curve_of(ordered, t, num_labels);
    metrics.ap[t] = average_precision_of_curve(curve.recall, curve.precision, protocol);
    if (t > 0) continue;
    const auto [precision, recall] = precision_recall_at(kConfidenceOfJuly2020, scores, curve);
    metrics.precision = precision;
    metrics.recall = recall;
    metrics.f1 = f1_of(precision, recall);
    metrics.curves = curves_of_class(scores, curve, protocol);
  }
  return metrics;
}

void add(const std::vector<double>& values, std::vector<double>& sums) {
  sums.resize(values.size());
  std::transform(values.begin(), values.end(), sums.begin(), sums.begin(), std::plus<>());
}

/// All but the confidence, which the classes have in common.
void add(const OperatingPoint& point, OperatingPoint& sum) {
  sum.precision += point.precision;
  sum.recall += point.recall;
  sum.f1 += point.f1;
}

}  // namespace

double ClassMetrics::mean_ap() const {
  return std::accumulate(ap.begin(), ap.end(), 0.0) / static_cast<double>(ap.size());
}

std::vector<ClassMetrics> average_precision(const std::vector<DetectionRecord>& detections,
                                            const std::vector<int>& label_classes,
                                            const AveragePrecisionOptions& options) {
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
    result.push_back(class_metrics(class_id, count, ordered, options.protocol));
  }
  find_best_f1(result);
  for (ClassMetrics& metrics : result) {
    if (!options.keep_curves) metrics.curves = {};
    if (options.protocol == MetricProtocol::kJuly2020) continue;
    metrics.precision = metrics.best_f1.precision;
    metrics.recall = metrics.best_f1.recall;
    metrics.f1 = metrics.best_f1.f1;
  }
  return result;
}

void find_best_f1(std::vector<ClassMetrics>& classes) {
  if (classes.empty()) return;
  std::vector<double> f1;
  for (const ClassMetrics& metrics : classes) add(metrics.curves.f1, f1);
  for (double& value : f1) value /= static_cast<double>(classes.size());
  const std::vector<double> smoothed = smooth(f1, kSmoothing);
  const auto best = static_cast<std::size_t>(std::max_element(smoothed.begin(), smoothed.end()) -
                                             smoothed.begin());
  for (ClassMetrics& metrics : classes) {
    const ClassCurves& curves = metrics.curves;
    metrics.best_f1 = {curve_position(best), curves.precision[best], curves.recall[best],
                       curves.f1[best]};
  }
}

ClassCurves mean_curves(const std::vector<ClassMetrics>& classes) {
  ClassCurves mean;
  for (const ClassMetrics& metrics : classes) {
    add(metrics.curves.precision, mean.precision);
    add(metrics.curves.recall, mean.recall);
    add(metrics.curves.f1, mean.f1);
    add(metrics.curves.precision_at_recall, mean.precision_at_recall);
  }
  for (auto* values : {&mean.precision, &mean.recall, &mean.f1, &mean.precision_at_recall})
    for (double& value : *values) value /= static_cast<double>(classes.size());
  return mean;
}

MeanMetrics mean_metrics(const std::vector<ClassMetrics>& classes) {
  MeanMetrics mean;
  if (classes.empty()) return mean;
  for (const ClassMetrics& metrics : classes) {
    mean.precision += metrics.precision;
    mean.recall += metrics.recall;
    mean.f1 += metrics.f1;
    mean.map50 += metrics.ap50();
    mean.map75 += metrics.ap75();
    mean.map += metrics.mean_ap();
    add(metrics.best_f1, mean.best_f1);
  }
  const auto count = static_cast<double>(classes.size());
  for (double* value : {&mean.precision, &mean.recall, &mean.f1, &mean.map50, &mean.map75,
                        &mean.map, &mean.best_f1.precision, &mean.best_f1.recall, &mean.best_f1.f1})
    *value /= count;
  mean.best_f1.confidence = classes.front().best_f1.confidence;
  return mean;
}

double fitness(const MeanMetrics& metrics) { return 0.1 * metrics.map50 + 0.9 * metrics.map; }

}  // namespace gannet
