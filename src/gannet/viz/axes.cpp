#include "gannet/viz/axes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>

namespace gannet {
namespace {

constexpr int kSubPixelBits = 4;
const cv::Scalar kGrid(236, 232, 230);
const cv::Scalar kAxis(150, 142, 138);
const cv::Scalar kTickText(110, 102, 98);
const cv::Scalar kTitleText(50, 42, 38);

cv::Point sub_pixel(const cv::Point2d& point) {
  constexpr double kScale = 1 << kSubPixelBits;
  return {static_cast<int>(std::lround(point.x * kScale)),
          static_cast<int>(std::lround(point.y * kScale))};
}

int rounded(double value) { return static_cast<int>(std::lround(value)); }

double distance_of(const std::vector<double>& ticks) {
  return ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
}

TextStyle tick_style(const PanelStyle& style) {
  return {style.text_px * 0.85, kTickText, false, TextAnchor::kRight};
}

int longest(const std::vector<double>& ticks, const TextStyle& style) {
  int width = 0;
  for (const double tick : ticks) {
    width = std::max(width, text_width(tick_text(tick, distance_of(ticks)), style));
  }
  return width;
}

}  // namespace

AxisRange range_of(const std::vector<double>& values) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (low > high) return {0, 1};
  const double margin = high > low ? 0.05 * (high - low) : std::max(0.5 * std::abs(high), 1e-3);
  return {low - margin, high + margin};
}

std::vector<double> round_ticks(const AxisRange& range, int wanted, bool whole) {
  const double rough = (range.high - range.low) / std::max(1, wanted);
  double distance = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    if (distance * factor >= rough * (1 - 1e-9)) {
      distance *= factor;
      break;
    }
  }
  if (whole) distance = std::max(1.0, std::round(distance));
  std::vector<double> ticks;
  const double first = std::ceil(range.low / distance - 1e-9);
  for (double k = first; k * distance <= range.high + 1e-9 * distance; ++k) {
    ticks.push_back(k * distance);
  }
  return ticks;
}

std::string tick_text(double value, double distance) {
  if (std::abs(value) < 1e-9 * distance) return "0";
  const int decimals = std::max(0, rounded(std::ceil(-std::log10(distance) - 1e-6)));
  return decimals > 5 ? fmt::format("{:.2g}", value) : fmt::format("{:.{}f}", value, decimals);
}

Axes::Axes(cv::Mat& canvas, const cv::Rect& area, const AxisRange& x, const AxisRange& y,
           const PanelStyle& style)
    : canvas_(canvas), x_(x), y_(y) {
  const int text = rounded(style.text_px);
  const int top = rounded((style.title.empty() ? 1.2 : 3.6) * text), right = rounded(1.2 * text);
  const int bottom = rounded((style.x_title.empty() ? 2.4 : 4.2) * text);
  const int height = area.height - top - bottom;
  const auto y_ticks = round_ticks(y_, std::max(2, height / rounded(5 * style.text_px)));
  int left = rounded(1.2 * text);
  if (style.show_y_ticks) {
    left = std::max(rounded(4.6 * text), longest(y_ticks, tick_style(style)) + rounded(1.2 * text));
  }
  if (!style.y_title.empty()) left += rounded(1.9 * text);
  frame_ = {area.x + left, area.y + top, area.width - left - right, height};
  if (style.show_x_ticks) draw_x_ticks(style);
  if (style.show_y_ticks) draw_y_ticks(style, y_ticks);
  cv::line(canvas_, {frame_.x, frame_.y}, {frame_.x, frame_.br().y}, kAxis, 1);
  cv::line(canvas_, {frame_.x, frame_.br().y}, frame_.br(), kAxis, 1);
  draw_titles(area, style);
}

void Axes::draw_titles(const cv::Rect& area, const PanelStyle& style) {
  const int text = rounded(style.text_px);
  const int centre = frame_.x + frame_.width / 2;
  const TextStyle title{style.text_px * 1.15, kTitleText, true, TextAnchor::kCentre};
  draw_text(canvas_, fit_text(style.title, title, frame_.width),
            {centre, frame_.y - rounded(1.9 * text)}, title);
  TextStyle side{style.text_px * 0.9, kTickText, false, TextAnchor::kCentre};
  draw_text(canvas_, fit_text(style.x_title, side, frame_.width),
            {centre, frame_.br().y + rounded(3.7 * text)}, side);
  side.upwards = true;
  draw_text(canvas_, fit_text(style.y_title, side, frame_.height),
            {area.x + rounded(1.3 * text), frame_.y + frame_.height / 2}, side);
}

cv::Point2d Axes::at(double x, double y) const {
  return {frame_.x + (x - x_.low) / (x_.high - x_.low) * frame_.width,
          frame_.br().y - (y - y_.low) / (y_.high - y_.low) * frame_.height};
}

void Axes::draw_x_ticks(const PanelStyle& style) {
  TextStyle text = tick_style(style);
  text.anchor = TextAnchor::kCentre;
  auto ticks =
      round_ticks(x_, std::max(2, frame_.width / rounded(5 * style.text_px)), style.whole_x);
  const int room = frame_.width / std::max(1, longest(ticks, text) + rounded(style.text_px));
  if (static_cast<int>(ticks.size()) > room) {
    ticks = round_ticks(x_, std::max(1, room - 1), style.whole_x);
  }
  for (const double tick : ticks) {
    const int x = rounded(at(tick, y_.low).x);
    cv::line(canvas_, {x, frame_.y}, {x, frame_.br().y}, kGrid, 1);
    draw_text(canvas_, tick_text(tick, distance_of(ticks)),
              {x, frame_.br().y + rounded(1.8 * style.text_px)}, text);
  }
}

void Axes::draw_y_ticks(const PanelStyle& style, const std::vector<double>& ticks) {
  for (const double tick : ticks) {
    const int y = rounded(at(x_.low, tick).y);
    cv::line(canvas_, {frame_.x, y}, {frame_.br().x, y}, kGrid, 1);
    draw_text(canvas_, tick_text(tick, distance_of(ticks)),
              {frame_.x - rounded(0.6 * style.text_px), y + rounded(0.42 * style.text_px)},
              tick_style(style));
  }
}

void Axes::line(const std::vector<double>& x, const std::vector<double>& y,
                const cv::Scalar& colour, int thickness) {
  std::vector<cv::Point> run;  // of finite values
  const auto draw_run = [&] {
    if (run.size() > 1) {
      cv::polylines(canvas_, run, false, colour, thickness, cv::LINE_AA, kSubPixelBits);
    }
    run.clear();
  };
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (std::isfinite(x[i]) && std::isfinite(y[i])) {
      run.push_back(sub_pixel(at(x[i], y[i])));
    } else {
      draw_run();
    }
  }
  draw_run();
}

void Axes::mark_x(double x, const cv::Scalar& colour) {
  const int column = rounded(at(x, y_.low).x);
  if (!std::isfinite(x) || column < frame_.x || column > frame_.br().x) return;
  for (int y = frame_.y; y < frame_.br().y; y += 10) {
    cv::line(canvas_, {column, y}, {column, std::min(y + 5, frame_.br().y)}, colour, 1);
  }
}

void Axes::dot(double x, double y, double radius, const cv::Scalar& colour) {
  if (!std::isfinite(x) || !std::isfinite(y)) return;
  cv::circle(canvas_, sub_pixel(at(x, y)), rounded(radius * (1 << kSubPixelBits)), colour,
             cv::FILLED, cv::LINE_AA, kSubPixelBits);
}

}  // namespace gannet
