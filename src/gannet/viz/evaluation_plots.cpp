#include "gannet/viz/evaluation_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

#include "gannet/viz/draw.h"
#include "gannet/viz/line_chart.h"
#include "gannet/viz/palette.h"

namespace gannet {
namespace {

constexpr std::size_t kMaxNamed = 20;
const cv::Scalar kMean(200, 70, 20);
const cv::Scalar kUnnamed(205, 200, 196);
const AxisRange kUnit{0, 1.0};

double mean_of_finite(const std::vector<double>& values) {
  double sum = 0;
  int count = 0;
  for (const double value : values) {
    if (std::isfinite(value)) sum += value, ++count;
  }
  return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> mean_curve(const PlottedCurves& curves) {
  std::vector<double> mean;
  for (std::size_t i = 0; i < curves.x.size(); ++i) {
    std::vector<double> values;
    for (const auto& curve : curves.per_class) {
      if (i < curve.size()) values.push_back(curve[i]);
    }
    mean.push_back(mean_of_finite(values));
  }
  return mean;
}

/// A thin line for each class; `values` stand behind the names.
std::vector<ChartLine> class_lines(const PlottedCurves& curves, const std::vector<double>& values) {
  const bool named = curves.per_class.size() <= kMaxNamed;
  std::vector<ChartLine> lines;
  for (std::size_t c = curves.per_class.size(); c-- > 0;) {  // the first class on top
    ChartLine line;
    line.x = curves.x, line.y = curves.per_class[c];
    line.thickness = 1;
    line.colour = named ? class_colour(static_cast<int>(c)) : kUnnamed;
    if (named) {
      line.name = c < curves.names.size() ? curves.names[c] : fmt::format("{}", c);
      if (c < values.size()) line.value = fmt::format("{:.3f}", values[c]);
    }
    lines.push_back(std::move(line));
  }
  if (!named) lines.back().name = fmt::format("each of {} classes", curves.per_class.size());
  return lines;
}

/// On top; under the line of a single class, which it equals.
void add_mean(LineChart& chart, const ChartLine& mean) {
  chart.lines.insert(chart.lines.size() == 1 ? chart.lines.begin() : chart.lines.end(), mean);
}

}  // namespace

std::vector<double> box_smoothed(const std::vector<double>& values, double fraction) {
  const auto count = static_cast<std::ptrdiff_t>(values.size());
  const auto window =
      static_cast<std::ptrdiff_t>(std::nearbyint(static_cast<double>(count) * fraction * 2)) / 2 *
          2 +
      1;
  std::vector<double> smoothed;
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    double sum = 0;
    for (std::ptrdiff_t k = i - window / 2; k <= i + window / 2; ++k) {
      sum += values[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(k, 0, count - 1))];
    }
    smoothed.push_back(sum / static_cast<double>(window));
  }
  return smoothed;
}

void plot_precision_recall(const PlottedCurves& curves, const std::vector<double>& ap50,
                           const std::filesystem::path& path) {
  LineChart chart{"Precision over recall",   "Recall", "Precision",
                  class_lines(curves, ap50), kUnit,    AxisRange{0, 1.02}};
  const double map50 = mean_of_finite(ap50);
  const std::string value = std::isfinite(map50) ? fmt::format("{:.3f} mAP@0.5", map50) : "";
  add_mean(chart, {"all classes", value, curves.x, mean_curve(curves), kMean, 4});
  save_picture(path, draw_line_chart(chart));
}

void plot_over_confidence(const PlottedCurves& curves, const std::string& figure,
                          const std::filesystem::path& path) {
  LineChart chart{figure + " over confidence", "Confidence", figure,
                  class_lines(curves, {}),     kUnit,        AxisRange{0, 1.02}};
  const std::vector<double> mean = box_smoothed(mean_curve(curves), 0.05);
  std::string value;
  double highest = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < mean.size(); ++i) {
    if (!(mean[i] > highest)) continue;  // not finite, for example
    highest = mean[i];
    value = fmt::format("{:.2f} at {:.3f}", mean[i], curves.x[i]);
  }
  add_mean(chart, {"all classes", value, curves.x, mean, kMean, 4});
  save_picture(path, draw_line_chart(chart));
}

void plot_study(const std::vector<StudyCurve>& studies, const std::filesystem::path& path) {
  LineChart chart{"Accuracy and speed", "ms per image", "mAP@0.5:0.95", {}};
  for (std::size_t i = studies.size(); i-- > 0;) {
    const StudyCurve& study = studies[i];
    ChartLine line{
        study.name, {}, study.ms_per_image, study.map, class_colour(static_cast<int>(i)), 2,
        true,       {}};
    for (const int size : study.image_sizes) line.point_names.push_back(fmt::format("{}", size));
    chart.lines.push_back(std::move(line));
  }
  save_picture(path, draw_line_chart(chart));
}

}  // namespace gannet
