#include "gannet/data/labels/label_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "gannet/core/text.h"
#include "gannet/data/labels/label_file.h"

namespace gannet {
namespace {

constexpr std::size_t kMaxProblemBytes = 120;
constexpr double kMaxClass = 1e6;
// Beyond these a coordinate is no slip of a drawing tool but another unit.
constexpr float kLowestSlip = -1, kHighestSlip = 2;

std::vector<double> numbers_of(std::string_view row) {
  std::vector<double> numbers;
  constexpr std::string_view kBlank = " \t\r\f\v";
  std::size_t at = row.find_first_not_of(kBlank);
  while (at != std::string_view::npos) {
    const std::size_t end = std::min(row.find_first_of(kBlank, at), row.size());
    std::string_view column = row.substr(at, end - at);
    if (column.starts_with('+')) column.remove_prefix(1);
    double value = 0;
    const auto [stop, error] = std::from_chars(column.data(), column.data() + column.size(), value);
    if (error != std::errc{} || stop != column.data() + column.size()) return {};
    numbers.push_back(value);
    at = row.find_first_not_of(kBlank, end);
  }
  return numbers;
}

/// What parse_labels says of its only row, without its place.
std::string reason_of(std::string_view problem) {
  constexpr std::string_view kPlace = ":1: ", kEnd = ", row left out";
  if (problem.starts_with(kPlace)) problem.remove_prefix(kPlace.size());
  if (problem.ends_with(kEnd)) problem.remove_suffix(kEnd.size());
  return printable(problem, kMaxProblemBytes);
}

Label box_around(const Polygon& polygon) {
  float x1 = polygon[0][0], y1 = polygon[0][1], x2 = x1, y2 = y1;
  for (const auto& [x, y] : polygon) {
    x1 = std::min(x1, x);
    x2 = std::max(x2, x);
    y1 = std::min(y1, y);
    y2 = std::max(y2, y);
  }
  return {0, (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1};
}

/// Box and outline as written, whatever the range of the coordinates.
void read_geometry(const std::vector<double>& numbers, LabelRow& row) {
  const auto at = [&](std::size_t i) { return static_cast<float>(numbers[i]); };
  if (numbers.size() == 5) {
    row.label = {0, at(1), at(2), at(3), at(4)};
  } else {
    for (std::size_t i = 1; i + 1 < numbers.size(); i += 2) {
      row.polygon.push_back({at(i), at(i + 1)});
    }
    row.label = box_around(row.polygon);
  }
  row.label.class_id = static_cast<int>(numbers[0]);
}

/// The state that follows from numbers alone; kUsable where they are in order.
RowState judge(const std::vector<double>& numbers, std::string& problem) {
  const auto finite = [](double value) { return std::isfinite(static_cast<float>(value)); };
  if (numbers.size() < 5 || numbers.size() % 2 == 0 ||
      !std::all_of(numbers.begin(), numbers.end(), finite)) {
    return RowState::kMalformed;
  }
  if (numbers[0] != std::floor(numbers[0])) {
    problem = fmt::format("class {} is not a whole number", numbers[0]);
    return RowState::kMalformed;
  }
  if (numbers[0] < 0 || numbers[0] > kMaxClass) {
    problem = fmt::format("class {} is not a class number", numbers[0]);
    return RowState::kNegativeClass;
  }
  const auto outside = std::find_if(numbers.begin() + 1, numbers.end(), [](double value) {
    const auto single = static_cast<float>(value);  // as training reads it
    return single < 0 || single > 1;
  });
  if (outside == numbers.end()) return RowState::kUsable;
  problem = fmt::format("coordinate {} is outside 0..1", *outside);
  return RowState::kOutside;
}

LabelRow read_row(std::string_view text, int line) {
  LabelRow row;
  row.line = line;
  row.text = text;
  const std::vector<double> numbers = numbers_of(text);
  row.state = judge(numbers, row.problem);
  const ParsedLabels parsed = parse_labels(text, "");
  const bool accepted = parsed.labels.size() == 1 && parsed.problems.empty();
  if (!accepted && row.state == RowState::kUsable) row.state = RowState::kMalformed;
  if (row.state == RowState::kMalformed && row.problem.empty()) {
    row.problem = parsed.problems.empty() ? "not a label" : reason_of(parsed.problems.front());
  }
  if (row.state == RowState::kUsable || row.state == RowState::kOutside) {
    read_geometry(numbers, row);
  }
  if (row.state == RowState::kUsable) row.label = parsed.labels.front();
  return row;
}

float into_unit(float value) { return std::clamp(value, 0.0F, 1.0F); }

void clip_box(Label& label) {
  const float x1 = into_unit(label.cx - label.width / 2);
  const float x2 = into_unit(label.cx + label.width / 2);
  const float y1 = into_unit(label.cy - label.height / 2);
  const float y2 = into_unit(label.cy + label.height / 2);
  label.cx = (x1 + x2) / 2;
  label.cy = (y1 + y2) / 2;
  label.width = std::max(0.0F, x2 - x1);  // a negative size stays none
  label.height = std::max(0.0F, y2 - y1);
}

bool is_slip(const LabelRow& row) {
  const auto near = [](float value) { return value >= kLowestSlip && value <= kHighestSlip; };
  const Label& l = row.label;
  bool all_near = near(l.cx) && near(l.cy) && near(l.width) && near(l.height);
  for (const auto& [x, y] : row.polygon) all_near = all_near && near(x) && near(y);
  return all_near;
}

}  // namespace

std::vector<LabelRow> read_label_rows(std::string_view text) {
  std::vector<LabelRow> rows;
  text = without_byte_order_mark(text);
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!row.empty()) rows.push_back(read_row(row, line));
  }
  return rows;
}

LabelRow clip_row(const LabelRow& row) {
  LabelRow clipped = row;
  clipped.state = RowState::kUsable;
  clipped.problem.clear();
  if (!is_slip(row)) {
    clipped.label.width = clipped.label.height = 0;
    return clipped;
  }
  if (clipped.polygon.empty()) {
    clip_box(clipped.label);
  } else {
    for (auto& [x, y] : clipped.polygon) x = into_unit(x), y = into_unit(y);
    clipped.label = box_around(clipped.polygon);
    clipped.label.class_id = row.label.class_id;
  }
  clipped.text = label_row_text(clipped);
  return clipped;
}

std::string label_row_text(const LabelRow& row) {
  std::string text = fmt::format("{}", row.label.class_id);
  if (row.polygon.empty()) {
    const Label& l = row.label;
    return text + fmt::format(" {} {} {} {}", l.cx, l.cy, l.width, l.height);
  }
  for (const auto& [x, y] : row.polygon) text += fmt::format(" {} {}", x, y);
  return text;
}

float overhang_px(const Label& label, int image_width, int image_height) {
  const float x = std::max(label.width / 2 - label.cx, label.cx + label.width / 2 - 1);
  const float y = std::max(label.height / 2 - label.cy, label.cy + label.height / 2 - 1);
  return std::max(
      {0.0F, x * static_cast<float>(image_width), y * static_cast<float>(image_height)});
}

}  // namespace gannet
