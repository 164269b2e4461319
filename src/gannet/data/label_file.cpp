#include "gannet/data/label_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <tuple>

#include "gannet/core/text.h"

namespace gannet {
namespace {

constexpr std::size_t kBoxColumns = 5;
constexpr float kMaxClass = 1e6F;

std::vector<std::string_view> split_columns(std::string_view row) {
  constexpr std::string_view kBlank = " \t\r\f\v";
  std::vector<std::string_view> columns;
  std::size_t at = row.find_first_not_of(kBlank);
  while (at != std::string_view::npos) {
    const std::size_t end = std::min(row.find_first_of(kBlank, at), row.size());
    columns.push_back(row.substr(at, end - at));
    at = row.find_first_not_of(kBlank, end);
  }
  return columns;
}

std::optional<float> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return static_cast<float>(value);
}

Label box_around(const std::vector<float>& values) {
  float x1 = 1, y1 = 1, x2 = 0, y2 = 0;
  for (std::size_t i = 1; i + 1 < values.size(); i += 2) {
    x1 = std::min(x1, values[i]);
    x2 = std::max(x2, values[i]);
    y1 = std::min(y1, values[i + 1]);
    y2 = std::max(y2, values[i + 1]);
  }
  return {static_cast<int>(values[0]), (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1};
}

/// What is wrong with a row; empty if nothing is, then `label` is set.
std::string parse_row(const std::vector<std::string_view>& columns, Label& label) {
  const std::size_t count = columns.size();
  if (count < kBoxColumns || count % 2 == 0) {
    return fmt::format("{} columns instead of 5", count);
  }
  std::vector<float> values;
  for (const std::string_view column : columns) {
    const std::optional<float> value = parse_number(column);
    if (!value || !std::isfinite(*value)) return fmt::format("'{}' is not a number", column);
    if (*value < 0) return fmt::format("{} is negative", column);
    const float limit = values.empty() ? kMaxClass : 1.0F;
    if (*value > limit) {
      return fmt::format("{} {} is above {}", values.empty() ? "class" : "coordinate", column,
                         limit);
    }
    values.push_back(*value);
  }
  label = count == kBoxColumns
              ? Label{static_cast<int>(values[0]), values[1], values[2], values[3], values[4]}
              : box_around(values);
  return {};
}

std::int64_t count_duplicates(std::vector<Label> labels) {
  const auto key = [](const Label& label) {
    return std::tie(label.class_id, label.cx, label.cy, label.width, label.height);
  };
  std::sort(labels.begin(), labels.end(),
            [&](const Label& a, const Label& b) { return key(a) < key(b); });
  const auto distinct_end = std::unique(labels.begin(), labels.end());
  return labels.end() - distinct_end;
}

}  // namespace

ParsedLabels parse_labels(std::string_view text, const std::string& path) {
  ParsedLabels result;
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto columns = split_columns(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (columns.empty()) continue;
    Label label;
    const std::string problem = parse_row(columns, label);
    if (!problem.empty()) {
      result.problems.push_back(fmt::format("{}:{}: {}, row left out", path, line, problem));
      continue;
    }
    if (label.class_id > result.highest_class) {
      result.highest_class = label.class_id;
      result.highest_class_line = line;
    }
    result.labels.push_back(label);
  }
  result.duplicate_rows = count_duplicates(result.labels);
  return result;
}

}  // namespace gannet
