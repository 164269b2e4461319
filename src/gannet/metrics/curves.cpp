#include "gannet/metrics/curves.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace gannet {
namespace {

constexpr double kTiny = 1e-16;

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

/// Each value becomes the greatest at its place or behind it.
void make_envelope(std::vector<double>& precision) {
  for (std::size_t i = precision.size(); i > 1; --i) {
    precision[i - 2] = std::max(precision[i - 2], precision[i - 1]);
  }
}

/// The curve with both ends that a release adds, as an envelope.
PrecisionRecall closed_envelope(const std::vector<double>& recall,
                                const std::vector<double>& precision, MetricProtocol protocol) {
  const bool is_v7 = protocol == MetricProtocol::kV7;
  PrecisionRecall closed{{0.0}, {is_v7 ? 1.0 : 0.0}};
  closed.recall.insert(closed.recall.end(), recall.begin(), recall.end());
  closed.recall.push_back(is_v7 ? 1.0 : std::min(recall.back() + 1e-3, 1.0));
  closed.precision.insert(closed.precision.end(), precision.begin(), precision.end());
  closed.precision.push_back(0.0);
  make_envelope(closed.precision);
  return closed;
}

double recall_position(std::size_t i) { return i + 1 == kNumRecalls ? 1.0 : 0.01 * double(i); }

/// COCO's envelope at any recall.
class StepCurve {
 public:
  StepCurve(const std::vector<double>& recall, std::vector<double> precision)
      : recall_(recall), envelope_(std::move(precision)) {
    make_envelope(envelope_);
  }
  double at(double recall) const {
    const auto found = std::lower_bound(recall_.begin(), recall_.end(), recall);
    return found == recall_.end() ? 0
                                  : envelope_[static_cast<std::size_t>(found - recall_.begin())];
  }

 private:
  const std::vector<double>& recall_;
  std::vector<double> envelope_;
};

std::vector<double> sampled_over_recall(const PrecisionRecall& curve, MetricProtocol protocol) {
  std::vector<double> result;
  result.reserve(kNumCurvePoints);
  if (protocol == MetricProtocol::kCoco) {
    const StepCurve steps(curve.recall, curve.precision);
    for (std::size_t i = 0; i < kNumCurvePoints; ++i) result.push_back(steps.at(curve_position(i)));
    return result;
  }
  const PrecisionRecall closed = closed_envelope(curve.recall, curve.precision, protocol);
  for (std::size_t i = 0; i < kNumCurvePoints; ++i)
    result.push_back(interpolate(curve_position(i), closed.recall, closed.precision));
  return result;
}

std::vector<double> negated(const std::vector<double>& scores) {
  std::vector<double> result(scores.size());
  std::transform(scores.begin(), scores.end(), result.begin(), std::negate<>());
  return result;
}

}  // namespace

double curve_position(std::size_t i) {
  constexpr double kStep = 1.0 / static_cast<double>(kNumCurvePoints - 1);
  return i + 1 == kNumCurvePoints ? 1.0 : static_cast<double>(i) * kStep;
}

double average_precision_of_curve(const std::vector<double>& recall,
                                  const std::vector<double>& precision, MetricProtocol protocol) {
  if (recall.empty()) return 0;
  if (protocol == MetricProtocol::kCoco) {
    const auto values = precisions_at_recalls(recall, precision);
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(kNumRecalls);
  }
  const PrecisionRecall closed = closed_envelope(recall, precision, protocol);
  double area = 0;
  double previous = interpolate(0.0, closed.recall, closed.precision);
  for (std::size_t i = 1; i < kNumRecalls; ++i) {
    const double x = recall_position(i);
    const double value = interpolate(x, closed.recall, closed.precision);
    area += (x - recall_position(i - 1)) * (value + previous) / 2;
    previous = value;
  }
  return area;
}

std::array<double, kNumRecalls> precisions_at_recalls(const std::vector<double>& recall,
                                                      const std::vector<double>& precision) {
  const StepCurve steps(recall, precision);
  std::array<double, kNumRecalls> result{};
  for (std::size_t i = 0; i < kNumRecalls; ++i) result[i] = steps.at(recall_position(i));
  return result;
}

ClassCurves curves_of_class(const std::vector<double>& scores, const PrecisionRecall& curve,
                            MetricProtocol protocol) {
  ClassCurves result;
  result.precision.assign(kNumCurvePoints, 0);
  result.recall.assign(kNumCurvePoints, 0);
  result.f1.assign(kNumCurvePoints, 0);
  result.precision_at_recall.assign(kNumCurvePoints, 0);
  if (scores.empty()) return result;
  const std::vector<double> negative = negated(scores);
  for (std::size_t i = 0; i < kNumCurvePoints; ++i) {
    const double x = curve_position(i);
    const bool is_above = x > scores.front();
    const double p = is_above ? 1 : interpolate(-x, negative, curve.precision);
    const double r = is_above ? 0 : interpolate(-x, negative, curve.recall);
    result.precision[i] = p;
    result.recall[i] = r;
    result.f1[i] = 2 * p * r / (p + r + kTiny);
  }
  result.precision_at_recall = sampled_over_recall(curve, protocol);
  return result;
}

std::array<double, 2> precision_recall_at(double confidence, const std::vector<double>& scores,
                                          const PrecisionRecall& curve) {
  if (scores.empty()) return {0, 0};
  const std::vector<double> negative = negated(scores);
  return {interpolate(-confidence, negative, curve.precision),
          interpolate(-confidence, negative, curve.recall)};
}

std::vector<double> smooth(const std::vector<double>& values, double fraction) {
  if (values.empty()) return {};
  const double wanted = std::nearbyint(static_cast<double>(values.size()) * fraction * 2);
  const std::size_t width = static_cast<std::size_t>(wanted) / 2 + 1;
  std::vector<double> padded(width / 2, values.front());
  padded.insert(padded.end(), values.begin(), values.end());
  padded.insert(padded.end(), width / 2, values.back());
  const double weight = 1 / static_cast<double>(width);
  std::vector<double> result(padded.size() - width + 1);
  // Each window is summed anew: equal windows must give equal means, as the first greatest counts.
  for (std::size_t i = 0; i < result.size(); ++i)
    for (std::size_t k = 0; k < width; ++k) result[i] += padded[i + k] * weight;
  return result;
}

}  // namespace gannet
