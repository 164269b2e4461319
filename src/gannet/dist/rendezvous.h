// The store through which the ranks of a run find each other, tell of failures, and wait.
#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gannet/core/error.h"
#include "gannet/dist/world.h"

namespace gannet {

using Seconds = std::chrono::duration<double>;

class Rendezvous {
 public:
  /// Waits until all ranks have come. Throws Error (kDistributed) naming those that have not within
  /// `timeout`, or the address that does not answer.
  Rendezvous(const WorldSpec& world, Seconds timeout);

  const WorldSpec& world() const { return world_; }
  c10::intrusive_ptr<c10d::Store> store() const { return store_; }

  /// Waits for another rank to set `key`, for as long as no rank has failed. Logs every ten seconds
  /// what it waits for.
  void wait_for(const std::string& key, const std::string& what);
  void set(const std::string& key, const std::string& value);

  /// Tells the others that this rank ends; only the first report of a rank counts.
  void report_failure(const std::string& why) noexcept;
  /// What failed ranks reported, one line each ("rank 1 on host: why"); waits a moment for reports.
  /// Ranks that neither answer nor reported are named as missing.
  std::string describe_failure() noexcept;

 private:
  void join(Seconds timeout);
  std::vector<int> ranks_without(const std::string& key_prefix);

  WorldSpec world_;
  c10::intrusive_ptr<c10d::Store> store_;
  std::atomic<bool> reported_ = false;
};

/// Watches the store from a thread of its own. When another rank has failed, or the store has gone,
/// and this rank has not ended by itself after a grace period, `on_stuck` is called with the reason.
class FailureWatch {
 public:
  FailureWatch(Rendezvous& rendezvous, Seconds grace, std::function<void(const std::string&)> on_stuck);
  ~FailureWatch();
  bool failure_seen() const { return failure_seen_; }

 private:
  void run(c10::intrusive_ptr<c10d::Store> store);

  Rendezvous& rendezvous_;
  Seconds grace_;
  std::function<void(const std::string&)> on_stuck_;
  std::atomic<bool> stopping_ = false, failure_seen_ = false;
  std::thread thread_;
};

}  // namespace gannet
