#include "gannet/observe/events.h"

#include <algorithm>

#include "gannet/core/log.h"

namespace gannet {

void ObserverList::warn(const Error& error) { log_warning("{}; the run goes on", error.what()); }

void ObserverList::log_cost(const RunSummary& summary) const {
  log_debug("{} took {:.3f} s of {:.1f} s, {:.2f}%", what_, seconds_, summary.seconds,
            100 * seconds_ / std::max(summary.seconds, 1e-3));
}

}  // namespace gannet
