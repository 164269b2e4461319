// Independent work on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace gannet {

/// Calls work(0) to work(count - 1), each once, from up to `num_threads` threads, the caller's
/// among them. After a failure no more work is begun; what the first one, by number, has thrown is
/// thrown on when all threads have ended.
void parallel_for(std::size_t count, int num_threads, const std::function<void(std::size_t)>& work);

}  // namespace gannet
