// libgomp reads how long threads spin when it is loaded, before any code of ours. But it spins for
// a short time only while it manages more threads than the process has processors: so one more is
// kept, asleep, in the pool of a thread of our own.
#include "gannet/ops/thread_waiting.h"

#include <ATen/Parallel.h>
#include <omp.h>

#include <cstdlib>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "gannet/core/cpus.h"

namespace gannet {
namespace {

void keep_threads_asleep(int count) {
  std::promise<void> made;
  std::future<void> is_made = made.get_future();
  std::thread([count, made = std::move(made)]() mutable {
#pragma omp parallel num_threads(count + 1)
    {}
    made.set_value();
    std::promise<void>().get_future().wait();  // for ever
  }).detach();
  is_made.wait();
}

}  // namespace

void prepare_operator_threads() {
  static std::once_flag once;
  std::call_once(once, [] {
    const auto given = [](const char* name) { return std::getenv(name) != nullptr; };
    const int cpus = available_cpus(), processors = omp_get_num_procs();
    if (!given("OMP_NUM_THREADS")) at::set_num_threads(cpus);
    if (given("OMP_WAIT_POLICY") || given("GOMP_SPINCOUNT")) return;
    keep_threads_asleep(processors - at::get_num_threads() + 1);
  });
}

}  // namespace gannet
