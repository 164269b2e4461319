// Trains a detector from settings: the run and its epochs. The steps are in step.h.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "gannet/config/settings.h"
#include "gannet/eval/evaluate.h"
#include "gannet/observe/events.h"
#include "gannet/train/resume_options.h"

namespace gannet {

class Communicator;
struct TrainingRun;

/// How a run ended.
struct TrainReport {
  std::filesystem::path directory;
  /// Stripped for use; best is last where nothing was evaluated.
  std::string best_checkpoint, last_checkpoint;
  int epochs_run = 0;
  int best_epoch = -1;
  double best_fitness = 0;
  double seconds = 0;
  EvalReport evaluation;  // of the best checkpoint
};

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

  /// Trains to the end. Throws Error; kInterrupted after request_stop.
  TrainReport run();

  /// Saves the state and ends the run, on all ranks, after the current step; safe to call from a
  /// signal handler.
  void request_stop();

 private:
  explicit Trainer(std::unique_ptr<TrainingRun> run);
  std::unique_ptr<TrainingRun> run_;
};

}  // namespace gannet
