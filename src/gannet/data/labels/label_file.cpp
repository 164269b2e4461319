#include "gannet/data/labels/label_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "gannet/core/text.h"

namespace gannet {
namespace {

constexpr std::size_t kBoxColumns = 5;
constexpr float kMaxClass = 1e6F;
constexpr std::string_view kBlank = " \t\r\f\v";

/// Takes the first column off the row; empty at the row's end.
std::string_view next_column(std::string_view& row) {
  const std::size_t begin = std::min(row.find_first_not_of(kBlank), row.size());
  const std::size_t end = std::min(row.find_first_of(kBlank, begin), row.size());
  const std::string_view column = row.substr(begin, end - begin);
  row.remove_prefix(end);
  return column;
}

std::size_t count_columns(std::string_view row) {
  std::size_t count = 0;
  while (!next_column(row).empty()) ++count;
  return count;
}

std::optional<float> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return static_cast<float>(value);
}

/// What is wrong with a row; empty if nothing is, then `values` holds its numbers.
std::string parse_row(std::string_view row, std::size_t count, std::vector<float>& values) {
  values.clear();
  if (count == kBoxColumns + 1) {
    return "6 columns instead of 5: a row of detections, with a confidence?";
  }
  if (count < kBoxColumns || count % 2 == 0) {
    return fmt::format("{} columns instead of 5", count);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view column = next_column(row);
    const std::optional<float> value = parse_number(column);
    if (!value || !std::isfinite(*value))
      return fmt::format("'{}' is not a number", printable(column));
    if (*value < 0) return fmt::format("{} is negative", column);
    const float limit = values.empty() ? kMaxClass : 1.0F;
    if (*value > limit) {
      return fmt::format("{} {} is above {}", values.empty() ? "class" : "coordinate", column,
                         limit);
    }
    values.push_back(*value);
  }
  return {};
}

Polygon outline_of(const std::vector<float>& values) {
  Polygon outline;
  outline.reserve(values.size() / 2);
  for (std::size_t i = 1; i + 1 < values.size(); i += 2) {
    outline.push_back({values[i], values[i + 1]});
  }
  return outline;
}

void add_row(ParsedLabels& result, const std::vector<float>& values, int line) {
  const int class_id = static_cast<int>(values[0]);
  if (values.size() == kBoxColumns) {
    add_object(result, {class_id, values[1], values[2], values[3], values[4]});
  } else {
    Polygon outline = outline_of(values);
    const Label box = box_around(class_id, outline);
    add_object(result, box, std::move(outline));
  }
  if (class_id > result.highest_class) {
    result.highest_class = class_id;
    result.highest_class_line = line;
  }
}

}  // namespace

void add_object(ParsedLabels& parsed, const Label& label, Polygon outline, bool is_difficult) {
  const std::size_t count = parsed.labels.size();
  if (!outline.empty() || !parsed.polygons.empty()) {
    parsed.polygons.resize(count);
    parsed.polygons.push_back(std::move(outline));
  }
  if (is_difficult || !parsed.difficult.empty()) {
    parsed.difficult.resize(count);
    parsed.difficult.push_back(is_difficult ? 1 : 0);
  }
  parsed.labels.push_back(label);
}

Label box_around(int class_id, const Polygon& outline) {
  float x1 = 1, y1 = 1, x2 = 0, y2 = 0;
  for (const auto& [x, y] : outline) {
    x1 = std::min(x1, x);
    x2 = std::max(x2, x);
    y1 = std::min(y1, y);
    y2 = std::max(y2, y);
  }
  return {class_id, (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1};
}

std::int64_t count_duplicates(const std::vector<Label>& labels) {
  if (labels.size() < 2) return 0;
  const auto key = [](const Label& label) {
    return std::tie(label.class_id, label.cx, label.cy, label.width, label.height);
  };
  std::vector<Label> sorted = labels;
  std::sort(sorted.begin(), sorted.end(),
            [&](const Label& a, const Label& b) { return key(a) < key(b); });
  return sorted.end() - std::unique(sorted.begin(), sorted.end());
}

ParsedLabels parse_labels(std::string_view text, const std::string& path) {
  ParsedLabels result;
  std::vector<float> values;
  text = without_byte_order_mark(text);
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t num_columns = count_columns(row);
    if (num_columns == 0) continue;
    const std::string problem = parse_row(row, num_columns, values);
    if (problem.empty()) {
      add_row(result, values, line);
    } else {
      result.problems.push_back(fmt::format("{}:{}: {}, row left out", path, line, problem));
    }
  }
  result.duplicate_rows = count_duplicates(result.labels);
  return result;
}

}  // namespace gannet
