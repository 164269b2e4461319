#include "gannet/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace gannet {

void parallel_for(std::size_t count, int num_threads,
                  const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  std::size_t failed = count;
  // Numbers are handed out in order, so that all below the first failure are done or under way.
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        next = count;
        if (i > failed) continue;
        failed = i;
        failure = std::current_exception();
      }
    }
  };
  {
    const auto others = std::min<std::size_t>(static_cast<std::size_t>(std::max(num_threads, 1)),
                                              std::max<std::size_t>(count, 1)) -
                        1;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < others; ++i) threads.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace gannet
