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
  const int left = rounded(style.show_y_ticks ? 4.6 * text : 1.2 * text);
  const int top = rounded(2.8 * text), right = rounded(1.2 * text);
  const int bottom = rounded((style.x_title.empty() ? 2.4 : 4.2) * text);
  frame_ = {area.x + left, area.y + top, area.width - left - right, area.height - top - bottom};
  if (style.show_x_ticks) draw_x_ticks(style);
  if (style.show_y_ticks) draw_y_ticks(style);
  cv::line(canvas_, {frame_.x, frame_.y}, {frame_.x, frame_.br().y}, kAxis, 1);
  cv::line(canvas_, {frame_.x, frame_.br().y}, frame_.br(), kAxis, 1);
  const int centre = frame_.x + frame_.width / 2;
  draw_text(canvas_, style.title, {centre, frame_.y - text},
            {style.text_px * 1.15, kTitleText, 2, TextAnchor::kCentre});
  draw_text(canvas_, style.x_title, {centre, frame_.br().y + rounded(3.7 * text)},
            {style.text_px * 0.9, kTickText, 1, TextAnchor::kCentre});
}

cv::Point2d Axes::at(double x, double y) const {
  return {frame_.x + (x - x_.low) / (x_.high - x_.low) * frame_.width,
          frame_.br().y - (y - y_.low) / (y_.high - y_.low) * frame_.height};
}

void Axes::draw_x_ticks(const PanelStyle& style) {
  const auto ticks =
      round_ticks(x_, std::max(2, frame_.width / rounded(5 * style.text_px)), style.whole_x);
  for (const double tick : ticks) {
    const int x = rounded(at(tick, y_.low).x);
    cv::line(canvas_, {x, frame_.y}, {x, frame_.br().y}, kGrid, 1);
    draw_text(canvas_, tick_text(tick, distance_of(ticks)),
              {x, frame_.br().y + rounded(1.8 * style.text_px)},
              {style.text_px * 0.85, kTickText, 1, TextAnchor::kCentre});
  }
}

void Axes::draw_y_ticks(const PanelStyle& style) {
  const auto ticks = round_ticks(y_, std::max(2, frame_.height / rounded(5 * style.text_px)));
  for (const double tick : ticks) {
    const int y = rounded(at(x_.low, tick).y);
    cv::line(canvas_, {frame_.x, y}, {frame_.br().x, y}, kGrid, 1);
    draw_text(canvas_, tick_text(tick, distance_of(ticks)),
              {frame_.x - rounded(0.6 * style.text_px), y + rounded(0.42 * style.text_px)},
              {style.text_px * 0.85, kTickText, 1, TextAnchor::kRight});
  }
}

void Axes::line(const std::vector<double>& x, const std::vector<double>& y,
                const cv::Scalar& colour, int thickness) {
  for (std::size_t i = 1; i < std::min(x.size(), y.size()); ++i) {
    if (!std::isfinite(y[i - 1]) || !std::isfinite(y[i])) continue;
    cv::line(canvas_, sub_pixel(at(x[i - 1], y[i - 1])), sub_pixel(at(x[i], y[i])), colour,
             thickness, cv::LINE_AA, kSubPixelBits);
  }
}

void Axes::dot(double x, double y, double radius, const cv::Scalar& colour) {
  if (!std::isfinite(y)) return;
  cv::circle(canvas_, sub_pixel(at(x, y)), rounded(radius * (1 << kSubPixelBits)), colour,
             cv::FILLED, cv::LINE_AA, kSubPixelBits);
}

}  // namespace gannet
