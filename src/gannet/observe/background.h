// Observers in a thread of their own: training goes on while they draw and write.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "gannet/observe/events.h"

namespace gannet {

/// Tells its members what it is told, in the same order, from a copy. Pictures share the pixels of
/// their batch, which nobody alters. Where the thread falls behind by twelve events, training
/// waits; a step that waits behind another one takes its place. What a member throws, but for what
/// could not be written (kIo, a warning), is thrown by the next event.
class BackgroundObserver : public RunObserver {
 public:
  BackgroundObserver();
  BackgroundObserver(const BackgroundObserver&) = delete;
  BackgroundObserver& operator=(const BackgroundObserver&) = delete;
  /// Waits until all that was told is done.
  ~BackgroundObserver() override;

  /// Before the first event.
  void add(std::unique_ptr<RunObserver> observer) { members_.add(std::move(observer)); }

  void on_run_start(const RunInfo& info) override;
  void on_epoch_start(const EpochStart& start) override;
  void on_step(const StepEvent& step) override;
  void on_epoch_end(const EpochRow& row) override;
  void on_batch_picture(const BatchPicture& picture) override;
  void on_checkpoint(const CheckpointEvent& checkpoint) override;
  /// Waits until the members have done all: their files are whole when this returns.
  void on_run_end(const RunSummary& summary) override;
  void on_run_failed(const RunFailure& failure) override;

 private:
  struct Item {
    std::function<void()> tell;
    bool is_step = false;
  };

  void post(Item item);
  void wait_until_told();
  void work();

  ObserverList members_{"observers in the background"};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;  // the one under way is the first
  std::exception_ptr failure_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace gannet
