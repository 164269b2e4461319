#include "gannet/viz/confusion_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <opencv2/imgproc.hpp>

#include "gannet/core/error.h"
#include "gannet/viz/draw.h"
#include "gannet/viz/palette.h"
#include "gannet/viz/placement.h"

namespace gannet {
namespace {

constexpr std::size_t kMaxNumbered = 30;  // classes
constexpr double kBlank = 0.005;
constexpr int kMargin = 30, kNames = 210, kTop = 80, kGap = 36, kBar = 22, kScale = 60;
const cv::Scalar kWhite(255, 255, 255);
const cv::Scalar kInk(50, 42, 38);
const cv::Scalar kFaint(110, 102, 98);
const cv::Scalar kLine(226, 222, 220);

int rounded(double value) { return static_cast<int>(std::lround(value)); }

/// Large enough for names and numbers, small enough for a screen.
int cell_for(int cells) {
  if (cells <= static_cast<int>(kMaxNumbered) + 1) return std::clamp(900 / cells, 36, 180);
  return std::clamp(1400 / cells, 2, 36);
}

int longest(const std::vector<std::string>& names, double text_px) {
  int width = 0;
  for (const std::string& name : names) {
    width = std::max(width, text_width(name, {text_px, kInk}));
  }
  return std::min(width, kNames);
}

void add_titles(ConfusionLayout& layout, int left) {
  const cv::Rect& matrix = layout.matrix;
  const cv::Point centre = (matrix.tl() + matrix.br()) / 2;
  TextStyle style{17, kInk, true, TextAnchor::kCentre};
  const std::string title = fit_text("Confusion matrix: shares of each true class", style,
                                     layout.canvas.width - 2 * kMargin);
  layout.texts.push_back({title, {layout.canvas.width / 2, 46}, style});
  style = {14, kFaint, false, TextAnchor::kCentre};
  layout.texts.push_back({"True", {centre.x, layout.canvas.height - kMargin + 6}, style});
  style.upwards = true;
  layout.texts.push_back({"Predicted", {left + 14, centre.y}, style});
}

void add_scale(ConfusionLayout& layout) {
  const cv::Rect& bar = layout.colour_bar;
  for (int tick = 0; tick <= 5; ++tick) {
    const int y = bar.br().y - rounded(bar.height * tick / 5.0);
    layout.texts.push_back(
        {fmt::format("{:.1f}", tick / 5.0), {bar.br().x + 8, y + 5}, {10, kFaint}});
  }
}

/// Every column divided by its sum; 0 where there is nothing.
cv::Mat shares_of(const ConfusionCounts& confusion, int cells) {
  cv::Mat shares(cells, cells, CV_64F, cv::Scalar(0));
  for (int column = 0; column < cells; ++column) {
    const auto count = [&](int row) {
      return confusion.counts[static_cast<std::size_t>(row) * static_cast<std::size_t>(cells) +
                              static_cast<std::size_t>(column)];
    };
    double sum = 0;
    for (int row = 0; row < cells; ++row) sum += count(row);
    for (int row = 0; row < cells && sum > 0; ++row)
      shares.at<double>(row, column) = count(row) / sum;
  }
  return shares;
}

void draw_colour_bar(cv::Mat& canvas, const cv::Rect& bar) {
  for (int y = 0; y < bar.height; ++y) {
    canvas(cv::Rect(bar.x, bar.br().y - 1 - y, bar.width, 1))
        .setTo(share_colour(static_cast<double>(y) / (bar.height - 1)));
  }
}

void draw_cell(cv::Mat& canvas, const cv::Rect& cell, double share, bool numbered) {
  const cv::Scalar colour = share_colour(share);
  canvas(cell).setTo(colour);
  if (!numbered) return;
  const TextStyle style{std::min(14.0, cell.width * 0.22), text_colour_on(colour), false,
                        TextAnchor::kCentre};
  draw_text(canvas, fmt::format("{:.2f}", share),
            {cell.x + cell.width / 2, cell.y + cell.height / 2 + rounded(style.height_px / 2)},
            style);
}

void draw_cell_lines(cv::Mat& canvas, const ConfusionLayout& layout, int cells) {
  const cv::Rect& matrix = layout.matrix;
  for (int i = 1; i < cells && layout.cell_px >= 8; ++i) {
    const int x = matrix.x + i * layout.cell_px, y = matrix.y + i * layout.cell_px;
    cv::line(canvas, {matrix.x, y}, {matrix.br().x, y}, kLine, 1);
    cv::line(canvas, {x, matrix.y}, {x, matrix.br().y}, kLine, 1);
  }
  cv::rectangle(canvas, matrix.tl(), matrix.br(), kFaint, 1);
}

}  // namespace

cv::Scalar share_colour(double share) {
  constexpr std::array<std::array<double, 3>, 4> kStops = {
      {{255, 255, 255}, {225, 198, 158}, {198, 132, 66}, {107, 48, 8}}};
  const double place = std::clamp(share, 0.0, 1.0) * (kStops.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(place), kStops.size() - 2);
  const double part = place - static_cast<double>(low);
  cv::Scalar colour;
  for (std::size_t c = 0; c < 3; ++c) {
    colour[static_cast<int>(c)] =
        std::round(kStops[low][c] + part * (kStops[low + 1][c] - kStops[low][c]));
  }
  return colour;
}

ConfusionLayout confusion_layout(const std::vector<std::string>& names) {
  std::vector<std::string> all = names;
  all.emplace_back("background");
  const int cells = static_cast<int>(all.size());
  ConfusionLayout layout;
  layout.cell_px = cell_for(cells);
  const int side = cells * layout.cell_px;
  const NamesStyle style{kNames, 12, 6, kInk};
  const int name_px = longest(all, style.max_text_px);
  const int left = kMargin;
  layout.matrix = {left + 34 + name_px, kTop, side, side};
  layout.colour_bar = {layout.matrix.br().x + kGap, kTop, kBar, side};
  layout.texts = place_row_names(all, layout.matrix, style);
  int below = 0;
  for (const PlacedText& name : place_column_names(all, layout.matrix, style)) {
    below = std::max(below, name.bounds().br().y - layout.matrix.br().y);
    layout.texts.push_back(name);
  }
  layout.canvas = {layout.colour_bar.br().x + kScale, layout.matrix.br().y + below + 34 + kMargin};
  add_titles(layout, left);
  add_scale(layout);
  return layout;
}

cv::Mat draw_confusion_matrix(const ConfusionCounts& confusion) {
  const std::size_t cells = confusion.names.size() + 1;
  GANNET_CHECK(confusion.counts.size() == cells * cells, "a confusion matrix is square");
  const ConfusionLayout layout = confusion_layout(confusion.names);
  const int size = static_cast<int>(cells);
  const cv::Mat shares = shares_of(confusion, size);
  cv::Mat canvas(layout.canvas, CV_8UC3, kWhite);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      const double share = shares.at<double>(row, column);
      if (share < kBlank) continue;
      draw_cell(canvas, layout.cell(row, column), share, confusion.names.size() <= kMaxNumbered);
    }
  }
  draw_cell_lines(canvas, layout, size);
  draw_colour_bar(canvas, layout.colour_bar);
  draw_texts(canvas, layout.texts);
  return canvas;
}

void plot_confusion_matrix(const ConfusionCounts& confusion, const std::filesystem::path& path) {
  save_picture(path, draw_confusion_matrix(confusion));
}

}  // namespace gannet
