#include "gannet/ops/side_by_side.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace gannet {

void for_each_side_by_side(int count, int num_threads, const std::function<void(int)>& work) {
  std::atomic<int> next = 0;
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(count));
  const auto run = [&] {
    at::set_num_threads(1);
    for (int i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        failures[static_cast<std::size_t>(i)] = std::current_exception();
      }
    }
  };
  const int threads_before = at::get_num_threads();
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < std::min(num_threads, count); ++i) threads.emplace_back(run);
    run();
  }
  at::set_num_threads(threads_before);
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace gannet
