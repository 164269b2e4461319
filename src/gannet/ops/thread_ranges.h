// Work split over the threads that LibTorch's operators compute on.
#pragma once

#include <cstdint>
#include <functional>

namespace gannet {

/// How many parts are worth while: LibTorch's threads, 1 where a caller already is one of several.
int num_thread_ranges();

/// Calls `work(part)` for parts 0 to count, side by side. Nothing may be thrown.
void for_each_part(int count, const std::function<void(int)>& work);

}  // namespace gannet
