// Time that has passed, by a clock that nobody sets.
#pragma once

#include <chrono>

namespace gannet {

class Stopwatch {
 public:
  /// Since this was made.
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace gannet
