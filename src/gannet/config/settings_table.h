// Field lists as tables of the reference page, docs/settings.md: what --help says, with defaults
// and ranges.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "gannet/config/fields.h"

namespace gannet {

/// A value as YAML has it; empty for an empty text or list.
std::string field_value_text(bool value);
std::string field_value_text(std::int64_t value);
std::string field_value_text(double value);
std::string field_value_text(const std::string& value);
std::string field_value_text(const std::vector<int>& values);
std::string field_value_text(const std::vector<std::string>& values);

/// "0 to 1", or "auto, 0 to 1" of a field that takes the word; empty where any value goes.
std::string field_range_text(const Range& range, bool takes_auto);

/// What a field list says of one member.
struct DescribedField {
  std::string name, value, meaning, range;
};

/// Visits a field list and notes what it says.
struct FieldDescriber {
  std::vector<DescribedField>& fields;
  template <class T>
  void operator()(const char* name, const T& member, const char* meaning, Range range) const {
    std::string value;
    if constexpr (std::is_same_v<T, int>) {
      value = field_value_text(std::int64_t{member});
    } else if constexpr (std::is_same_v<T, double>) {
      value = range.low == kAuto && member == kAuto ? "auto" : field_value_text(member);
    } else {
      value = field_value_text(member);
    }
    fields.push_back({name, value, meaning, field_range_text(range, std::is_same_v<T, double>)});
  }
};

/// Values of the same list, such as those of a recipe.
struct DefaultsColumn {
  std::string title;
  std::vector<DescribedField> fields;
};

enum class FieldNames {
  kKeys,  // as in YAML: lr0
  kFlags  // as on the command line: --img-size
};

/// A Markdown table with a row for each field: name, a column of values for each of `columns`,
/// range, meaning. Names, meanings and ranges are those of the first column; all have the same
/// fields in the same order. Empty without columns.
std::string settings_table(const std::vector<DefaultsColumn>& columns, FieldNames names);

}  // namespace gannet
