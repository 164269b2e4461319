// Which steps are written down by observers that must not write down all of them.
#pragma once

#include <chrono>
#include <functional>
#include <utility>

#include "gannet/observe/events.h"

namespace gannet {

/// The last step of each epoch, and one whenever ten seconds have passed.
class StepRows {
 public:
  /// @param now seconds of a steady clock
  explicit StepRows(std::function<double()> now = &steady_seconds)
      : now_(std::move(now)), last_(now_()) {}

  bool wants(const StepEvent& step) {
    constexpr double kPause = 10;
    const bool is_last = step.step + 1 == step.steps;
    if (!is_last && now_() - last_ < kPause) return false;
    last_ = now_();
    return true;
  }

 private:
  static double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  std::function<double()> now_;
  double last_;
};

}  // namespace gannet
