// Which steps are written down by observers that must not write down all of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include "gannet/observe/events.h"

namespace gannet {

/// The last step of each epoch, and one whenever ten seconds have passed; or, for curves, one a
/// second, and less often as the run gets longer: a week gives some 15,000.
class StepRows {
 public:
  enum class Kind { kTold, kCurve };

  /// @param now seconds of a steady clock
  explicit StepRows(std::function<double()> now = &steady_seconds, Kind kind = Kind::kTold)
      : now_(std::move(now)), kind_(kind), start_(now_()), last_(start_) {}
  static StepRows for_curves() { return StepRows(&steady_seconds, Kind::kCurve); }

  bool wants(const StepEvent& step) {
    const double now = now_();
    if (now - last_ < pause(now) && !is_wanted_anyway(step)) return false;
    any_ = true;
    last_ = now;
    return true;
  }

 private:
  double pause(double now) const {
    constexpr double kTold = 10, kCurve = 1, kPoints = 2000;
    return kind_ == Kind::kTold ? kTold : std::max(kCurve, (now - start_) / kPoints);
  }
  bool is_wanted_anyway(const StepEvent& step) const {
    return kind_ == Kind::kTold ? step.step + 1 == step.steps : !any_;
  }

  static double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  std::function<double()> now_;
  Kind kind_;
  double start_, last_;
  bool any_ = false;
};

}  // namespace gannet
