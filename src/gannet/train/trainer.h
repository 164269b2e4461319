// Trains a detector from settings: the run and its epochs. The steps are in step.h.
#pragma once

#include <memory>
#include <string>

#include "gannet/config/settings.h"
#include "gannet/core/stopwatch.h"
#include "gannet/observe/events.h"
#include "gannet/train/resume_options.h"
#include "gannet/train/train_report.h"

namespace gannet {

class Communicator;
struct RunStart;

/// A training run as its user sees it: new, resumed, or whichever of the two is due.
class Trainer {
 public:
  /// Starts a new run. Nothing is touched before `run`.
  /// @param comm the ranks that train together; null: this process alone
  explicit Trainer(const Settings& settings, std::shared_ptr<Communicator> comm = nullptr);
  /// Continues a run in its own directory, with its settings, from the step at which it was saved.
  /// Throws Error; see load_resumed_run.
  static Trainer resume(const ResumeOptions& options, std::shared_ptr<Communicator> comm = nullptr);
  /// Continues the newest run of the settings' project and name if it is unfinished and was made
  /// with these settings, else starts one: for jobs that are started again.
  static Trainer resume_or_start(const Settings& settings,
                                 std::shared_ptr<Communicator> comm = nullptr);
  Trainer(Trainer&&) noexcept;
  ~Trainer();

  const Settings& settings() const;

  void add_observer(std::unique_ptr<RunObserver> observer);

  /// Checks data, model and device and describes the run, without training or writing.
  std::string describe_plan();

  /// The moment from which the setting `time_limit` counts; else it is that of `run`.
  void count_time_from(const Stopwatch& watch);

  /// Trains to the end, or until its time is up. Throws Error; kInterrupted after request_stop.
  /// Observers are told of either.
  TrainReport run();

  /// Saves the state and ends the run, on all ranks, after the current step; safe to call from a
  /// signal handler.
  void request_stop();

 private:
  struct Impl;
  Trainer(RunStart start, std::shared_ptr<Communicator> comm);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gannet
