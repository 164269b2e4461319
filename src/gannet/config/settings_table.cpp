#include "gannet/config/settings_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "gannet/core/error.h"

namespace gannet {
namespace {

/// 1e6 rather than 1e+06.
std::string short_number(double value) {
  std::string text = fmt::format("{:g}", value);
  const auto sign = text.find("e+");
  if (sign != std::string::npos) text.erase(sign + 1, text[sign + 2] == '0' ? 2 : 1);
  return text;
}

/// What stands in a cell may not end it.
std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

std::string code(const std::string& text) { return text.empty() ? "" : "`" + cell(text) + "`"; }

std::string shown_name(std::string name, FieldNames names) {
  if (names == FieldNames::kKeys) return name;
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

}  // namespace

std::string field_value_text(bool value) { return value ? "true" : "false"; }
std::string field_value_text(std::int64_t value) { return fmt::format("{}", value); }
std::string field_value_text(double value) { return fmt::format("{}", value); }
std::string field_value_text(const std::string& value) { return value; }
std::string field_value_text(const std::vector<int>& values) {
  return values.empty() ? "" : fmt::format("[{}]", fmt::join(values, ", "));
}
std::string field_value_text(const std::vector<std::string>& values) {
  return values.empty() ? "" : fmt::format("[{}]", fmt::join(values, ", "));
}

std::string field_range_text(const Range& range, bool takes_auto) {
  if (!std::isfinite(range.low) || !std::isfinite(range.high)) return "";
  const bool has_auto = takes_auto && range.low == kAuto;
  return fmt::format("{}{} to {}", has_auto ? "auto, " : "", short_number(has_auto ? 0 : range.low),
                     short_number(range.high));
}

std::string settings_table(const std::vector<DefaultsColumn>& columns, FieldNames names) {
  if (columns.empty()) return "";
  std::string table = names == FieldNames::kFlags ? "| flag |" : "| key |", line = "| --- |";
  for (const DefaultsColumn& column : columns) {
    table += fmt::format(" {} |", cell(column.title));
    line += " --- |";
    GANNET_CHECK(column.fields.size() == columns.front().fields.size(), column.title);
  }
  table += " range | meaning |\n" + line + " --- | --- |\n";
  for (std::size_t i = 0; i < columns.front().fields.size(); ++i) {
    const DescribedField& field = columns.front().fields[i];
    table += fmt::format("| {} |", code(shown_name(field.name, names)));
    for (const DefaultsColumn& column : columns)
      table += fmt::format(" {} |", code(column.fields[i].value));
    table += fmt::format(" {} | {} |\n", field.range, cell(field.meaning));
  }
  return table;
}

}  // namespace gannet
