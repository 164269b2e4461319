#include "gannet/metrics/coco_eval.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <limits>
#include <numeric>
#include <thread>
#include <unordered_map>
#include <utility>

#include "gannet/metrics/coco_matching.h"

namespace gannet {
namespace {

constexpr double kAbsent = -1;
constexpr std::size_t kHundred = kCocoLimits.size() - 1;
using Curves = std::array<PrecisionRecall, kNumIouThresholds>;

/// Curves over the correct detections only: the envelope needs no others.
Curves curves_of(const CocoMatches& matches, std::size_t area, int limit) {
  const auto num_objects = static_cast<double>(matches.num_objects[area]);
  std::array<std::int64_t, kNumIouThresholds> right{}, wrong{};
  Curves curves;
  for (const CocoMatch& match : matches.detections) {
    if (match.rank >= limit) continue;
    const unsigned counted = ~static_cast<unsigned>(match.ignored[area]);
    const unsigned hits = counted & match.matched[area];
    const unsigned misses = counted & ~static_cast<unsigned>(match.matched[area]);
    for (std::size_t t = 0; t < curves.size(); ++t) wrong[t] += misses >> t & 1U;
    for (std::size_t t = 0; hits >> t != 0; ++t) {
      if ((hits >> t & 1U) == 0) continue;
      const auto tp = static_cast<double>(++right[t]), fp = static_cast<double>(wrong[t]);
      curves[t].recall.push_back(tp / num_objects);
      curves[t].precision.push_back(tp / (fp + tp + std::numeric_limits<double>::epsilon()));
    }
  }
  return curves;
}

void add_figures(const CocoMatches& matches, CocoClass& result) {
  for (std::size_t a = 0; a < kNumCocoAreas; ++a) {
    for (std::size_t l = 0; l < kCocoLimits.size(); ++l) {
      CocoFigures& figures = result.figures[a][l];
      figures.ap.fill(kAbsent);
      figures.recall.fill(kAbsent);
      if (matches.num_objects[a] == 0) continue;
      const Curves curves = curves_of(matches, a, kCocoLimits[l]);
      for (std::size_t t = 0; t < curves.size(); ++t) {
        const auto& [recall, precision] = curves[t];
        const auto at_recalls = precisions_at_recalls(recall, precision);
        figures.ap[t] = std::accumulate(at_recalls.begin(), at_recalls.end(), 0.0) / kNumRecalls;
        figures.recall[t] = recall.empty() ? 0 : recall.back();
        if (a == 0 && l == kHundred) result.precision[t] = at_recalls;
      }
    }
  }
}

/// At IoU 0.5, over all detections that count.
ClassCurves confidence_curves(const CocoMatches& matches) {
  constexpr auto kAll = static_cast<std::size_t>(CocoArea::kAll);
  std::vector<double> scores;
  PrecisionRecall curve;
  double right = 0;
  for (const CocoMatch& match : matches.detections) {
    if ((match.ignored[kAll] & 1U) != 0) continue;
    right += match.matched[kAll] & 1U;
    scores.push_back(match.score);
    curve.precision.push_back(right / static_cast<double>(scores.size()));
    curve.recall.push_back(right / static_cast<double>(matches.num_objects[kAll]));
  }
  return curves_of_class(scores, curve, MetricProtocol::kCoco);
}

struct ClassInput {
  std::vector<const CocoTruth*> truth;
  std::vector<const CocoDetection*> detections;
};

std::vector<ClassInput> by_class(const std::vector<CocoTruth>& truth,
                                 const std::vector<CocoDetection>& detections,
                                 const std::vector<std::int64_t>& category_ids) {
  std::unordered_map<std::int64_t, std::size_t> places;
  for (const std::int64_t id : category_ids) places.emplace(id, places.size());
  std::vector<ClassInput> result(category_ids.size());
  for (const CocoTruth& object : truth) {
    const auto found = places.find(object.category_id);
    if (found != places.end()) result[found->second].truth.push_back(&object);
  }
  for (const CocoDetection& detection : detections) {
    const auto found = places.find(detection.category_id);
    if (found != places.end()) result[found->second].detections.push_back(&detection);
  }
  return result;
}

CocoClass evaluate_class(ClassInput input, std::int64_t category_id) {
  CocoClass result;
  result.category_id = category_id;
  for (auto& values : result.precision) values.fill(kAbsent);
  const CocoMatches matches = match_coco_class(std::move(input.truth), std::move(input.detections));
  result.num_objects = matches.num_objects[0];
  add_figures(matches, result);
  if (result.num_objects > 0) result.curves = confidence_curves(matches);
  return result;
}

using Values = std::array<double, kNumIouThresholds> CocoFigures::*;

/// Mean over classes with objects and over thresholds, or at one of them.
double mean_over_classes(const CocoReport& report, Values values, CocoArea area, std::size_t limit,
                         int threshold = -1) {
  double sum = 0;
  int count = 0;
  for (const CocoClass& c : report.classes) {
    const auto& of_class = c.of(area, limit).*values;
    for (std::size_t t = 0; t < of_class.size(); ++t) {
      if (of_class[t] == kAbsent || (threshold >= 0 && static_cast<int>(t) != threshold)) continue;
      sum += of_class[t];
      ++count;
    }
  }
  return count == 0 ? kAbsent : sum / count;
}

/// What each official number is the mean of.
struct NumberRow {
  Values values;
  CocoArea area;
  std::size_t limit;  // index into kCocoLimits
  int threshold;      // -1: all
};
constexpr Values kAp = &CocoFigures::ap, kRecall = &CocoFigures::recall;
constexpr std::array<NumberRow, kNumCocoNumbers> kNumberRows = {{
    {kAp, CocoArea::kAll, 2, -1},
    {kAp, CocoArea::kAll, 2, 0},
    {kAp, CocoArea::kAll, 2, 5},
    {kAp, CocoArea::kSmall, 2, -1},
    {kAp, CocoArea::kMedium, 2, -1},
    {kAp, CocoArea::kLarge, 2, -1},
    {kRecall, CocoArea::kAll, 0, -1},
    {kRecall, CocoArea::kAll, 1, -1},
    {kRecall, CocoArea::kAll, 2, -1},
    {kRecall, CocoArea::kSmall, 2, -1},
    {kRecall, CocoArea::kMedium, 2, -1},
    {kRecall, CocoArea::kLarge, 2, -1},
}};

}  // namespace

double CocoClass::mean_ap(CocoArea area) const {
  const auto& ap = of(area).ap;
  return std::accumulate(ap.begin(), ap.end(), 0.0) / static_cast<double>(ap.size());
}

CocoReport evaluate_coco(const std::vector<CocoTruth>& truth,
                         const std::vector<CocoDetection>& detections,
                         const std::vector<std::int64_t>& category_ids, int num_threads) {
  std::vector<ClassInput> inputs = by_class(truth, detections, category_ids);
  CocoReport report;
  report.classes.resize(inputs.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < inputs.size(); i = next++)
      report.classes[i] = evaluate_class(std::move(inputs[i]), category_ids[i]);
  };
  const std::size_t wanted =
      num_threads > 0 ? static_cast<std::size_t>(num_threads) : std::thread::hardware_concurrency();
  std::vector<std::future<void>> others;
  while (others.size() + 1 < std::min(wanted, inputs.size()))
    others.push_back(std::async(std::launch::async, work));
  work();
  for (std::future<void>& other : others) other.get();

  for (std::size_t n = 0; n < kNumCocoNumbers; ++n) {
    const NumberRow& row = kNumberRows[n];
    report.numbers[n] = mean_over_classes(report, row.values, row.area, row.limit, row.threshold);
  }
  return report;
}

std::vector<ClassMetrics> class_metrics(const CocoReport& report, bool keep_curves) {
  std::vector<ClassMetrics> result;
  for (std::size_t i = 0; i < report.classes.size(); ++i) {
    const CocoClass& c = report.classes[i];
    if (c.num_objects == 0) continue;
    ClassMetrics metrics;
    metrics.class_id = static_cast<int>(i);
    metrics.num_labels = c.num_objects;
    metrics.ap = c.of(CocoArea::kAll).ap;
    metrics.curves = c.curves;
    result.push_back(std::move(metrics));
  }
  find_best_f1(result);
  for (ClassMetrics& metrics : result) {
    metrics.precision = metrics.best_f1.precision;
    metrics.recall = metrics.best_f1.recall;
    metrics.f1 = metrics.best_f1.f1;
    if (!keep_curves) metrics.curves = {};
  }
  return result;
}

std::vector<std::string> summary_lines(const CocoReport& report) {
  constexpr std::array kAreaNames = {"all", "small", "medium", "large"};
  constexpr std::array kThresholdNames = {"0.50", "0.55", "0.60", "0.65", "0.70",
                                          "0.75", "0.80", "0.85", "0.90", "0.95"};
  std::vector<std::string> lines;
  for (std::size_t n = 0; n < kNumCocoNumbers; ++n) {
    const NumberRow& row = kNumberRows[n];
    const bool is_ap = row.values == kAp;
    lines.push_back(fmt::format(
        " {:<18} {} @[ IoU={:<9} | area={:>6} | maxDets={:>3} ] = {:0.3f}",
        is_ap ? "Average Precision" : "Average Recall", is_ap ? "(AP)" : "(AR)",
        row.threshold < 0 ? "0.50:0.95" : kThresholdNames[static_cast<std::size_t>(row.threshold)],
        kAreaNames[static_cast<std::size_t>(row.area)], kCocoLimits[row.limit], report.numbers[n]));
  }
  return lines;
}

}  // namespace gannet
