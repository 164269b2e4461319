// Something that is done again and again beside the work.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace gannet {

/// Calls `work`, which must not throw, from a thread of its own in these intervals, until it is
/// destroyed.
class Ticker {
 public:
  Ticker(std::chrono::milliseconds interval, std::function<void()> work)
      : thread_([this, interval, work = std::move(work)](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          while (!changed_.wait_for(lock, stop, interval, [] { return false; }) &&
                 !stop.stop_requested())
            work();
        }) {}
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: it ends before the others go
};

}  // namespace gannet
