// The store through which the ranks of a run find each other, tell of failures, and wait.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "gannet/core/error.h"
#include "gannet/dist/world.h"

namespace gannet {

using Seconds = std::chrono::duration<double>;

/// A place in the store, from joining to leaving. Rank 0 keeps the store, so it must be the last to
/// go: the others could not learn the reason of a failure from a store that has ended.
class Rendezvous {
 public:
  /// Waits until all ranks have come. Throws Error (kDistributed) naming those that have not within
  /// `timeout`, or the address that does not answer.
  Rendezvous(const WorldSpec& world, Seconds timeout);

  const WorldSpec& world() const { return world_; }
  c10::intrusive_ptr<c10d::Store> store() const { return store_; }

  /// Waits for another rank to set `key`, for as long as no rank has failed. Says what it waits for
  /// after ten seconds, and ever more rarely.
  void wait_for(const std::string& key, const std::string& what);
  void set(const std::string& key, const std::string& value);

  /// Tells the others that this rank ends; only the first report of a rank counts.
  void report_failure(const std::string& why) noexcept;
  /// What failed ranks reported, one after the other ("rank 1 on host: why"); waits a moment for
  /// reports. Ranks that neither answer nor reported are named as missing. Never waits long, also
  /// when rank 0 cannot be reached.
  std::string describe_failure() noexcept;

  /// After a failure: rank 0, whose store the others ask for the reason, goes when they have heard
  /// it or a moment has passed.
  void outlive_readers() noexcept;

  /// Ends well: rank 0, whose store the others need to the last, goes when all have said so.
  void leave() noexcept;

 private:
  void claim_place();
  void join(Seconds timeout);

  WorldSpec world_;
  c10::intrusive_ptr<c10d::Store> store_;
  std::atomic<bool> reported_ = false;
};

/// Watches the store from a thread of its own. When another rank has failed, or the store has gone,
/// and this rank has not ended by itself after a grace period, `on_stuck` is called with the
/// reason.
class FailureWatch {
 public:
  FailureWatch(const Rendezvous& rendezvous, Seconds grace,
               std::function<void(const std::string&)> on_stuck);
  ~FailureWatch();

 private:
  struct Shared;  // outlives the watch where the thread hangs in a dead connection
  std::shared_ptr<Shared> shared_;
  std::future<void> finished_;
};

}  // namespace gannet
