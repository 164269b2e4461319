#include "gannet/observe/events.h"

#include "gannet/core/log.h"

namespace gannet {

void ObserverList::warn(const Error& error) { log_warning("{}; the run goes on", error.what()); }

}  // namespace gannet
