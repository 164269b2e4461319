#include "gannet/viz/evolution_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "gannet/viz/axes.h"
#include "gannet/viz/draw.h"
#include "gannet/viz/text.h"

namespace gannet {
namespace {

constexpr int kColumns = 6, kWidth = 360, kHeight = 330, kMargin = 8;
constexpr int kTickRoom = 20;  // for half of the text of the last tick
constexpr double kTextPx = 10;
const cv::Scalar kWhite(255, 255, 255);
const cv::Scalar kBest(50, 70, 225);
const cv::Scalar kText(70, 62, 58);

/// From the first of `count` candidates (dark) to the last (light, but readable on white).
std::vector<cv::Scalar> colours_of(std::size_t count) {
  constexpr double kLightest = 215;  // of 255
  cv::Mat levels(1, static_cast<int>(std::max<std::size_t>(count, 1)), CV_8U), colours;
  for (int i = 0; i < levels.cols; ++i)
    levels.at<std::uint8_t>(0, i) =
        static_cast<std::uint8_t>(kLightest * i / std::max(1, levels.cols - 1));
  cv::applyColorMap(levels, colours, cv::COLORMAP_VIRIDIS);
  std::vector<cv::Scalar> result;
  for (int i = 0; i < colours.cols; ++i) result.emplace_back(colours.at<cv::Vec3b>(0, i));
  return result;
}

cv::Rect area_of(std::size_t panel) {
  const int index = static_cast<int>(panel);
  return {index % kColumns * kWidth + kMargin / 2, index / kColumns * kHeight + kMargin,
          kWidth - kMargin - kTickRoom, kHeight - kMargin};
}

void draw_ring(Axes& axes, double x, double y) {
  axes.dot(x, y, 8, kBest);
  axes.dot(x, y, 6, kWhite);
}

void draw_gene(cv::Mat& canvas, const cv::Rect& area, const GenePanel& gene,
               const EvolutionPlot& plot, const std::vector<cv::Scalar>& colours) {
  const double best = gene.values.at(plot.best);
  Axes axes(
      canvas, area, range_of(gene.values), range_of(plot.fitness),
      {.title = fmt::format("{} = {:.4g}", gene.name, best), .x_title = "", .text_px = kTextPx});
  axes.mark_x(best, kBest);
  draw_ring(axes, best, plot.fitness.at(plot.best));
  for (std::size_t i = 0; i < gene.values.size(); ++i)
    axes.dot(gene.values[i], plot.fitness[i], 4, colours[i]);
  axes.dot(best, plot.fitness[plot.best], 4, colours[plot.best]);  // on top
}

void draw_key(cv::Mat& canvas, const cv::Rect& area, const EvolutionPlot& plot,
              const std::vector<cv::Scalar>& colours) {
  const int left = area.x + 40, width = area.width - 80, bar = 14;
  int y = area.y + 60;
  const TextStyle style{kTextPx, kText};
  draw_text(canvas, "Value (across) against fitness (up)", {left, y}, {kTextPx, kText, true});
  y += 40;
  for (int x = 0; x < width; ++x) {
    const auto at = static_cast<std::size_t>(x) * colours.size() / static_cast<std::size_t>(width);
    cv::line(canvas, {left + x, y}, {left + x, y + bar}, colours[at], 1);
  }
  y += bar + 20;
  draw_text(canvas, "first candidate", {left, y}, style);
  TextStyle right = style;
  right.anchor = TextAnchor::kRight;
  draw_text(canvas, "last", {left + width, y}, right);
  y += 44;
  cv::circle(canvas, {left + 8, y - 5}, 7, kBest, 2, cv::LINE_AA);
  draw_text(canvas, fmt::format("best: fitness {:.4g}", plot.fitness.at(plot.best)), {left + 26, y},
            style);
  y += 34;
  draw_text(canvas, fmt::format("{} candidates", plot.fitness.size()), {left, y}, style);
}

}  // namespace

void plot_evolution(const EvolutionPlot& plot, const std::filesystem::path& path) {
  const int cells = static_cast<int>(plot.genes.size()) + 1;  // the last one is the key
  const int rows = (cells + kColumns - 1) / kColumns;
  cv::Mat canvas(rows * kHeight + kMargin, kColumns * kWidth, CV_8UC3, kWhite);
  const std::vector<cv::Scalar> colours = colours_of(plot.fitness.size());
  for (std::size_t g = 0; g < plot.genes.size(); ++g)
    draw_gene(canvas, area_of(g), plot.genes[g], plot, colours);
  draw_key(canvas, area_of(plot.genes.size()), plot, colours);
  save_picture(path, canvas);
}

}  // namespace gannet
