#include "gannet/curate/check/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "gannet/curate/check/finding_tiles.h"
#include "gannet/viz/axes.h"
#include "gannet/viz/draw.h"
#include "gannet/viz/text.h"

namespace gannet {
namespace {

constexpr int kWidth = 1600, kMargin = 40;
constexpr int kHead = 130;     // title and legend
constexpr int kPanelGap = 14;  // between those above each other
constexpr int kPanels = 734;   // the row of plots
constexpr int kLine = 30;      // of the list of findings
constexpr int kTileColumns = 4, kTileRows = 2;
constexpr int kTileHeight = 340, kTileGap = 24;
constexpr std::size_t kMaxClasses = 24;
constexpr int kClassNames = 150;  // px

const cv::Scalar kWhite(255, 255, 255);
const cv::Scalar kInk(50, 42, 38);
const cv::Scalar kFaint(110, 102, 98);
const cv::Scalar kGood(96, 150, 40);
const std::array<cv::Scalar, 3> kSplitColours = {cv::Scalar(214, 118, 38), cv::Scalar(60, 160, 245),
                                                 cv::Scalar(115, 166, 22)};

const cv::Scalar& split_colour(std::size_t split) {
  return kSplitColours[split % kSplitColours.size()];
}

int rounded(double value) { return static_cast<int>(std::lround(value)); }

void draw_head(cv::Mat& canvas, const DatasetCheck& check) {
  const std::string name = std::filesystem::path(check.survey.data.file).stem().string();
  draw_text(canvas, fmt::format("{}: check of the data set", name), {kMargin, 56},
            {22, kInk, true});
  const auto problems = check.count(Severity::kProblem), notes = check.count(Severity::kNote);
  const cv::Scalar colour = problems > 0 ? severity_colour(Severity::kProblem) : kGood;
  draw_text(canvas, fmt::format("problems: {}, notes: {}", problems, notes), {kWidth - kMargin, 56},
            {18, colour, true, TextAnchor::kRight});
  int x = kMargin;
  for (std::size_t s = 0; s < check.splits.size(); ++s) {
    const SplitSummary& split = check.splits[s];
    const std::string text =
        fmt::format("{}: {} images, {} labels", split.name, split.images, split.labels);
    cv::rectangle(canvas, cv::Rect(x, 84, 18, 18), split_colour(s), cv::FILLED);
    draw_text(canvas, text, {x + 28, 99}, {13, kInk});
    x += 28 + text_width(text, {13, kInk}) + 40;
  }
}

/// The classes that are shown: all in their order, or the most frequent ones.
std::vector<std::size_t> shown_classes(const DatasetCheck& check) {
  std::vector<std::int64_t> counts(check.survey.data.names.size());
  for (const SplitSummary& split : check.splits) {
    for (std::size_t c = 0; c < counts.size(); ++c) counts[c] += split.classes[c].labels;
  }
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (order.size() <= kMaxClasses) return order;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return counts[a] > counts[b]; });
  order.resize(kMaxClasses);
  return order;
}

/// Bars of one class, one for each split, within `slot`.
void draw_class(cv::Mat& canvas, const Axes& axes, const cv::Rect& slot, const DatasetCheck& check,
                std::size_t class_id) {
  const double bar = 0.8 * slot.height / static_cast<double>(check.splits.size());
  const double text = std::clamp(bar * 0.6, 7.0, 12.0);
  for (std::size_t s = 0; s < check.splits.size(); ++s) {
    const std::int64_t count = check.splits[s].classes[class_id].labels;
    const int top = rounded(slot.y + 0.1 * slot.height + bar * static_cast<double>(s));
    const int bottom = rounded(slot.y + 0.1 * slot.height + bar * static_cast<double>(s + 1));
    const int right = rounded(axes.at(static_cast<double>(count), 0).x);
    const cv::Rect area(slot.x + 1, top, right - slot.x, std::max(1, bottom - top - 1));
    if (count > 0) cv::rectangle(canvas, area, split_colour(s), cv::FILLED);
    if (bar < 10) continue;
    draw_text(canvas, fmt::format("{}", count), {right + 8, (top + bottom) / 2 + rounded(text / 2)},
              {text, kFaint});
  }
  const double height = std::clamp(slot.height * 0.4, 8.0, 13.0);
  const TextStyle style{height, kInk, false, TextAnchor::kRight};
  draw_text(canvas, fit_text(check.survey.data.names[class_id], style, kClassNames),
            {slot.x - 10, slot.y + slot.height / 2 + rounded(height / 2)}, style);
}

void draw_classes(cv::Mat& canvas, const cv::Rect& area, const DatasetCheck& check) {
  const std::vector<std::size_t> shown = shown_classes(check);
  std::int64_t most = 1;
  for (const SplitSummary& split : check.splits) {
    for (const ClassCount& count : split.classes) most = std::max(most, count.labels);
  }
  const std::size_t all = check.survey.data.names.size();
  const std::string title =
      shown.size() == all
          ? "Labels per class"
          : fmt::format("Labels per class: the {} most frequent of {}", shown.size(), all);
  const Axes axes(canvas, {area.x + kClassNames, area.y, area.width - kClassNames, area.height},
                  {0, 1.15 * static_cast<double>(most)}, {0, 1},
                  {.title = title, .x_title = "labels", .whole_x = true, .show_y_ticks = false});
  const cv::Rect& frame = axes.frame();
  const double slot = static_cast<double>(frame.height) / static_cast<double>(shown.size());
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const int top = rounded(frame.y + slot * static_cast<double>(i));
    draw_class(canvas, axes, {frame.x, top, frame.width, rounded(slot)}, check, shown[i]);
  }
}

/// "1/3" instead of 0.333.
std::string edge_text(double edge) {
  for (const double over : {1.0, 2.0}) {
    const double under = over / edge;
    if (edge < 1 && std::abs(under - std::round(under)) < 1e-9) {
      return fmt::format("{:.0f}/{:.0f}", over, under);
    }
  }
  return fmt::format("{:.3g}", edge);
}

/// Stacked bars of a histogram, the splits one on the other.
void draw_histogram(cv::Mat& canvas, const cv::Rect& area, const DatasetCheck& check,
                    Histogram SplitSummary::*of, const std::string& title,
                    const std::string& x_title) {
  if (check.splits.empty()) return;
  const Histogram& shape = check.splits.front().*of;
  const auto slots = shape.counts.size();
  std::vector<std::int64_t> totals(slots);
  for (const SplitSummary& split : check.splits) {
    for (std::size_t i = 0; i < slots; ++i) totals[i] += (split.*of).counts[i];
  }
  const auto most = std::max<std::int64_t>(1, *std::max_element(totals.begin(), totals.end()));
  const Axes axes(canvas, area, {0, static_cast<double>(slots)},
                  {0, 1.15 * static_cast<double>(most)},
                  {.title = title, .x_title = x_title, .show_x_ticks = false});
  for (std::size_t i = 0; i < slots; ++i) {
    const auto x = static_cast<double>(i);
    std::int64_t below = 0;
    for (std::size_t s = 0; s < check.splits.size(); ++s) {
      const std::int64_t count = (check.splits[s].*of).counts[i];
      const cv::Point2d low = axes.at(x + 0.08, static_cast<double>(below));
      const cv::Point2d high = axes.at(x + 0.92, static_cast<double>(below + count));
      if (count > 0) {
        cv::rectangle(canvas, cv::Point(rounded(low.x), rounded(low.y) - 1),
                      cv::Point(rounded(high.x), rounded(high.y)), split_colour(s), cv::FILLED);
      }
      below += count;
    }
    const cv::Point2d top = axes.at(x + 0.5, static_cast<double>(totals[i]));
    if (totals[i] > 0) {
      draw_text(canvas, fmt::format("{}", totals[i]), {rounded(top.x), rounded(top.y) - 8},
                {9, kFaint, false, TextAnchor::kCentre});
    }
    if (i == 0) continue;
    draw_text(canvas, edge_text(shape.edges[i - 1]),
              {rounded(axes.at(x, 0).x), axes.frame().br().y + 22},
              {11, kFaint, false, TextAnchor::kCentre});
  }
}

/// One line for each kind, in two columns.
void draw_findings(cv::Mat& canvas, int top, const std::vector<FindingGroup>& groups) {
  const std::size_t rows = (groups.size() + 1) / 2;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const int x = kMargin + (i < rows ? 0 : kWidth / 2);
    const int y = top + kLine * static_cast<int>(i % rows) + kLine / 2;
    const cv::Scalar colour = severity_colour(groups[i].info->severity);
    cv::circle(canvas, {x + 7, y - 5}, 7, colour, cv::FILLED, cv::LINE_AA);
    draw_text(canvas, fmt::format("{}: {}", groups[i].info->title, groups[i].findings.size()),
              {x + 26, y}, {12, kInk});
  }
}

int findings_height(const std::vector<FindingGroup>& groups) {
  return kLine * static_cast<int>((groups.size() + 1) / 2);
}

void draw_tiles(cv::Mat& canvas, int top, const DatasetCheck& check,
                const std::vector<ImageFindings>& worst) {
  draw_text(canvas, "Images with most findings (red: problem, amber: note)", {kMargin, top + 20},
            {15, kInk, true});
  const int width = (kWidth - 2 * kMargin - (kTileColumns - 1) * kTileGap) / kTileColumns;
  for (std::size_t i = 0; i < worst.size(); ++i) {
    const int column = static_cast<int>(i) % kTileColumns, row = static_cast<int>(i) / kTileColumns;
    const cv::Rect area(kMargin + column * (width + kTileGap), top + 44 + row * kTileHeight, width,
                        kTileHeight - 12);
    draw_finding_tile(canvas, area, check, worst[i]);
  }
}

}  // namespace

void plot_dataset_check(const DatasetCheck& check, const std::filesystem::path& path) {
  const std::vector<FindingGroup> groups = group_findings(check.findings);
  const std::vector<ImageFindings> worst = worst_images(check, kTileColumns * kTileRows);
  const int tile_rows = (static_cast<int>(worst.size()) + kTileColumns - 1) / kTileColumns;
  const int list_top = kHead + kPanels + 20;
  const int tiles_top = list_top + findings_height(groups) + 20;
  const int height = worst.empty() ? tiles_top : tiles_top + 44 + tile_rows * kTileHeight + 16;
  cv::Mat canvas(height, kWidth, CV_8UC3, kWhite);
  draw_head(canvas, check);
  const int half = kWidth / 2;
  draw_classes(canvas, {kMargin / 2, kHead, half - kMargin, kPanels}, check);
  draw_histogram(canvas, {half, kHead, half - kMargin / 2, kPanels / 2 - kPanelGap}, check,
                 &SplitSummary::box_sides, "Box size",
                 fmt::format("root of the area in px, images at {} px", check.img_size));
  draw_histogram(
      canvas, {half, kHead + kPanels / 2 + kPanelGap, half - kMargin / 2, kPanels / 2 - kPanelGap},
      check, &SplitSummary::aspect_ratios, "Box shape", "width / height");
  draw_findings(canvas, list_top, groups);
  if (!worst.empty()) draw_tiles(canvas, tiles_top, check, worst);
  save_picture(path, canvas);
}

}  // namespace gannet
