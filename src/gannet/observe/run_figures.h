// Adds up what the end of a run tells of its time and memory.
#pragma once

#include "gannet/core/stopwatch.h"
#include "gannet/observe/events.h"

namespace gannet {

class RunFigures : public RunObserver {
 public:
  void on_epoch_start(const EpochStart& start) override;
  void on_step(const StepEvent& step) override;
  void on_epoch_end(const EpochRow& row) override;
  void on_run_end(const RunSummary& summary) override { summary_ = summary; }
  void on_run_failed(const RunFailure& failure) override { summary_ = failure.so_far; }

  /// What the run came to, once it has ended in whatever way.
  const RunSummary& summary() const { return summary_; }

  /// Part of the training time, evaluations left out, in which the trainer waited for data; 0 to 1.
  double data_wait_fraction() const;
  /// The most that an epoch had: of the device, or of the process where it computes on the CPU.
  double peak_memory_gib() const { return memory_gib_; }

 private:
  Stopwatch epoch_;
  double epoch_seconds_ = 0, epoch_wait_ = 0;  // of the epoch under way
  double seconds_ = 0, wait_ = 0;              // of the epochs before
  double memory_gib_ = 0;
  RunSummary summary_;
};

}  // namespace gannet
