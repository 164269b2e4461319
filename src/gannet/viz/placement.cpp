#include "gannet/viz/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <span>
#include <utility>

namespace gannet {
namespace {

constexpr int kNameGap = 8;  // between an axis and its names

int rounded(double value) { return static_cast<int>(std::lround(value)); }

int covered(const cv::Rect& place, const std::vector<cv::Rect>& taken) {
  int area = 0;
  for (const cv::Rect& other : taken) area += (place & other).area();
  return area;
}

/// Moved into the area, and cut to it if it is larger.
cv::Rect moved_into(cv::Rect place, const cv::Rect& area) {
  place.width = std::min(place.width, area.width);
  place.height = std::min(place.height, area.height);
  place.x = std::clamp(place.x, area.x, area.br().x - place.width);
  place.y = std::clamp(place.y, area.y, area.br().y - place.height);
  return place;
}

/// The candidate that covers the least of what is taken, the earlier one of equals. Moving it into
/// the area counts as covering what lies outside. Empty where nothing may be covered and each does.
cv::Rect least_covering(std::span<const cv::Point> corners, const cv::Size& size,
                        const cv::Rect& area, const std::vector<cv::Rect>& taken,
                        Crowded crowded = Crowded::kCoverLeast) {
  cv::Rect best;
  int least = std::numeric_limits<int>::max();
  for (const cv::Point& corner : corners) {
    const cv::Rect wanted(corner, size);
    const cv::Rect sideways(
        std::clamp(wanted.x, area.x, std::max(area.x, area.br().x - size.width)), wanted.y,
        size.width, size.height);
    const cv::Rect place = moved_into(wanted, area);
    const int hidden = covered(place, taken);
    if (hidden > 0 && crowded == Crowded::kLeaveOut) continue;
    const int cost = hidden + (sideways.area() - (sideways & area).area());
    if (cost < least) least = cost, best = place;
    if (least == 0) break;
  }
  return best;
}

/// Every how many slots a text of this height fits.
std::size_t stride_for(double slot_px, double text_px) {
  const double needed = line_px(text_px) / slot_px;
  for (std::size_t power = 1;; power *= 10) {
    for (const std::size_t factor : {1U, 2U, 5U}) {
      if (static_cast<double>(power * factor) >= needed - 1e-9) return power * factor;
    }
  }
}

struct Slots {
  double text_px = 0;
  std::size_t stride = 1;
};

Slots slots_for(double slot_px, const NamesStyle& style) {
  const double text_px = std::clamp(capital_px(slot_px), style.min_text_px, style.max_text_px);
  return {text_px, stride_for(slot_px, text_px)};
}

double slot_of(int length, std::size_t count) {
  return static_cast<double>(length) / static_cast<double>(std::max<std::size_t>(1, count));
}

}  // namespace

std::vector<cv::Rect> place_captions(const std::vector<cv::Rect>& boxes,
                                     const std::vector<cv::Size>& sizes, const cv::Size& image,
                                     const cv::Rect& keep_free, Crowded crowded) {
  const cv::Rect area({0, 0}, image);
  std::vector<cv::Rect> places(boxes.size()), taken = {keep_free};
  for (std::size_t i = boxes.size(); i-- > 0;) {
    if (sizes[i].empty() || area.empty()) continue;
    const cv::Rect& box = boxes[i];
    const int right = box.br().x - sizes[i].width, top = box.y - sizes[i].height;
    cv::Point inside(box.x, box.y), below(box.x, box.br().y);
    if (box.height < 3 * sizes[i].height) std::swap(inside, below);  // it would hide the object
    const std::array<cv::Point, 6> corners = {cv::Point(box.x, top),
                                              inside,
                                              below,
                                              cv::Point(box.x, box.br().y - sizes[i].height),
                                              cv::Point(right, top),
                                              cv::Point(right, box.br().y)};
    places[i] = least_covering(corners, sizes[i], area, taken, crowded);
    taken.push_back(places[i]);
  }
  return places;
}

std::vector<cv::Rect> place_beside(const std::vector<cv::Point>& points,
                                   const std::vector<cv::Size>& sizes, const cv::Rect& area,
                                   const std::vector<cv::Rect>& obstacles) {
  constexpr int kGap = 8;
  std::vector<cv::Rect> taken = obstacles, places(points.size());
  for (const cv::Point& p : points)
    taken.emplace_back(p.x - kGap + 1, p.y - kGap + 1, 2 * kGap - 2, 2 * kGap - 2);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const cv::Point p = points[i];
    const int w = sizes[i].width, h = sizes[i].height;
    const std::array<cv::Point, 8> corners = {
        cv::Point(p.x - w / 2, p.y - kGap - h), cv::Point(p.x - w / 2, p.y + kGap),
        cv::Point(p.x + kGap, p.y - h / 2),     cv::Point(p.x - kGap - w, p.y - h / 2),
        cv::Point(p.x + kGap, p.y - kGap - h),  cv::Point(p.x - kGap - w, p.y - kGap - h),
        cv::Point(p.x + kGap, p.y + kGap),      cv::Point(p.x - kGap - w, p.y + kGap)};
    places[i] = least_covering(corners, sizes[i], area, taken);
    taken.push_back(places[i]);
  }
  return places;
}

std::vector<PlacedText> place_row_names(const std::vector<std::string>& names, const cv::Rect& axis,
                                        const NamesStyle& style) {
  const double slot = slot_of(axis.height, names.size());
  const auto [text_px, stride] = slots_for(slot, style);
  const TextStyle text{text_px, style.colour, false, TextAnchor::kRight};
  std::vector<PlacedText> placed;
  for (std::size_t i = 0; i < names.size(); i += stride) {
    const double middle = axis.y + slot * (static_cast<double>(i) + 0.5);
    placed.push_back({fit_text(names[i], text, style.max_length_px),
                      {axis.x - kNameGap, rounded(middle + text_px / 2)},
                      text});
  }
  return placed;
}

std::vector<PlacedText> place_column_names(const std::vector<std::string>& names,
                                           const cv::Rect& axis, const NamesStyle& style) {
  const double slot = slot_of(axis.width, names.size());
  TextStyle text{style.max_text_px, style.colour, false, TextAnchor::kCentre};
  const bool upright = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return text_width(name, text) <= slot - kNameGap;
  });
  const auto [text_px, stride] = slots_for(slot, style);
  if (!upright) text = {text_px, style.colour, false, TextAnchor::kRight, true};
  std::vector<PlacedText> placed;
  for (std::size_t i = 0; i < names.size(); i += upright ? 1 : stride) {
    const double middle = axis.x + slot * (static_cast<double>(i) + 0.5);
    const cv::Point base =
        upright ? cv::Point(rounded(middle), axis.br().y + kNameGap + rounded(text.height_px))
                : cv::Point(rounded(middle + text_px / 2), axis.br().y + kNameGap);
    placed.push_back({fit_text(names[i], text, style.max_length_px), base, text});
  }
  return placed;
}

namespace {

constexpr double kMinLegendText = 6;
constexpr int kMinLegendColumn = 150;  // px
constexpr int kColumnGap = 16;

/// How a legend is divided.
struct LegendGrid {
  double text_px = 0;
  double row_px = 0;
  int rows = 1, columns = 1;
  std::size_t cells() const {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  }
};

/// The largest text, then the fewest columns, with which all entries fit; else the most cells.
LegendGrid grid_for(std::size_t count, const cv::Rect& area, double max_text_px) {
  const int most_columns = std::max(1, (area.width + kColumnGap) / (kMinLegendColumn + kColumnGap));
  LegendGrid grid;
  for (double text_px = max_text_px;; text_px = std::max(kMinLegendText, text_px - 0.5)) {
    grid.text_px = text_px;
    grid.row_px = 1.15 * line_px(text_px);
    grid.rows = std::max(1, static_cast<int>(area.height / grid.row_px));
    for (grid.columns = 1; grid.columns < most_columns; ++grid.columns) {
      if (grid.cells() >= count) break;
    }
    if (grid.cells() >= count || text_px <= kMinLegendText) return grid;
  }
}

}  // namespace

Legend place_legend(const std::vector<LegendEntry>& entries, const cv::Rect& area,
                    double max_text_px) {
  Legend legend;
  if (entries.empty()) return legend;
  const LegendGrid grid = grid_for(entries.size(), area, max_text_px);
  legend.shown = entries.size() <= grid.cells() ? entries.size() : grid.cells() - 1;
  const int width = (area.width - (grid.columns - 1) * kColumnGap) / grid.columns;
  const int swatch = rounded(2 * grid.text_px), gap = rounded(0.7 * grid.text_px);
  const TextStyle style{grid.text_px, {50, 42, 38}};
  const auto row_of = [&](std::size_t i) {
    const int column = static_cast<int>(i) / grid.rows, row = static_cast<int>(i) % grid.rows;
    return cv::Point(area.x + column * (width + kColumnGap),
                     area.y + rounded(grid.row_px * row + 0.3 * grid.row_px + grid.text_px));
  };
  for (std::size_t i = 0; i < legend.shown; ++i) {
    const cv::Point base = row_of(i);
    legend.swatches.emplace_back(base.x, base.y - rounded(grid.text_px), swatch,
                                 rounded(grid.text_px));
    const cv::Point start = base + cv::Point(swatch + gap, 0);
    const int value = entries[i].value.empty() ? 0 : text_width(entries[i].value, style) + gap;
    const std::string name = fit_text(entries[i].name, style, width - swatch - gap - value);
    legend.texts.push_back({name, start, style});
    if (value == 0) continue;
    legend.texts.push_back(
        {entries[i].value, start + cv::Point(text_width(name, style) + gap, 0), style});
  }
  if (legend.shown < entries.size()) {
    legend.texts.push_back({fmt::format("and {} more", entries.size() - legend.shown),
                            row_of(legend.shown) + cv::Point(swatch + gap, 0), style});
  }
  return legend;
}

void draw_legend(cv::Mat& bgr, const std::vector<LegendEntry>& entries, const Legend& legend) {
  for (std::size_t i = 0; i < legend.shown; ++i) {
    const cv::Rect& swatch = legend.swatches[i];
    const int middle = swatch.y + swatch.height / 2, thickness = entries[i].thickness;
    cv::rectangle(bgr, cv::Rect(swatch.x, middle - thickness / 2, swatch.width, thickness),
                  entries[i].colour, cv::FILLED);
  }
  draw_texts(bgr, legend.texts);
}

}  // namespace gannet
