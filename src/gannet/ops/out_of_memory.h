// Memory that runs out while tensors are computed, of a device or of the host.
#pragma once

#include <functional>

namespace gannet {

/// Runs `work`. @return false where it threw for lack of memory; whatever else it throws goes on.
bool has_memory_for(const std::function<void()>& work);

}  // namespace gannet
