#include "gannet/observe/events.h"

#include <algorithm>
#include <exception>

#include "gannet/core/log.h"

namespace gannet {

void ObserverList::warn(const Error& error) { log_warning("{}; the run goes on", error.what()); }

void ObserverList::on_run_failed(const RunFailure& failure) {
  for (const auto& observer : observers_) {
    try {
      observer->on_run_failed(failure);
    } catch (const std::exception& error) {
      log_warning("{}", error.what());
    }
  }
}

void ObserverList::log_cost(const RunSummary& summary) const {
  log_debug("{} took {:.3f} s of {:.1f} s, {:.2f}%", what_, seconds_, summary.seconds,
            100 * seconds_ / std::max(summary.seconds, 1e-3));
}

}  // namespace gannet
