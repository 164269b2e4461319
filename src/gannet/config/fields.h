// Settings are plain structs, each described once by a field list: YAML, flags, help and checks all
// come from it. A list is a function template `fields(visit, settings)` beside its struct that
// calls `visit(name, member, meaning, range)` for every member in order.
#pragma once

#include <limits>

namespace gannet {

/// Allowed values of a number, both ends included.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

/// In place of a number: it follows from the rest of the settings. `auto` on the command line,
/// where the range of the number begins with it.
inline constexpr double kAuto = -1;

}  // namespace gannet
