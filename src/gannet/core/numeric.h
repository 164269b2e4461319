// Rounding rules that the original's results depend on.
#pragma once

#include <cmath>
#include <cstdint>

namespace gannet {

/// Nearest integer, half to even (the default floating-point environment's rule).
inline std::int64_t round_half_even(double value) {
  return static_cast<std::int64_t>(std::nearbyint(value));
}

/// Smallest multiple of `divisor` that is at least `value`.
inline std::int64_t ceil_to_multiple(double value, std::int64_t divisor) {
  return static_cast<std::int64_t>(std::ceil(value / static_cast<double>(divisor))) * divisor;
}

}  // namespace gannet
