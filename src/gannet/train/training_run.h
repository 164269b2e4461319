// The loop of a training run: epochs of steps, evaluations and saves, from the first to the last
// checkpoint. What it works with comes whole (run_parts.h).
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "gannet/core/stopwatch.h"
#include "gannet/eval/evaluator.h"
#include "gannet/observe/events.h"
#include "gannet/train/run_parts.h"
#include "gannet/train/run_saver.h"
#include "gannet/train/step.h"
#include "gannet/train/train_report.h"

namespace gannet {

/// What a run has from outside.
struct RunSurroundings {
  ObserverList& observers;
  const std::atomic<bool>& stop_requested;
  Stopwatch watch;          // since the run was asked for
  Stopwatch process_watch;  // what --time-limit counts from
};

class TrainingRun {
 public:
  /// @param directory of the run, which exists   All that is referred to must outlive the run.
  TrainingRun(RunParts& parts, std::filesystem::path directory, RunSurroundings surroundings);

  /// Trains to the end, or until the time is up. Throws Error; kInterrupted where a stop was
  /// requested.
  TrainReport train();

  /// What the run has come to.
  RunSummary summary() const;

 private:
  /// How an epoch gets on.
  struct Pace {
    std::int64_t first = 0, steps = 0;  // above 0 where the run goes on in the middle
    std::int64_t images = 0;            // trained so far
    Stopwatch watch;
  };

  StepOptions step_options();
  void start();
  std::vector<BatchPlan> plans_of_rank() const;
  void train_epoch();
  void train_step(const Batch& batch, std::int64_t index, Pace& pace);
  void close_epoch();
  void report_step(std::int64_t index, const Pace& pace);
  double memory_gib() const;
  std::int64_t steps_left() const;
  void validate();
  /// @param draws the first batches   @param is_last all figures, curves and the rest of a report
  Evaluation evaluate(DetectionModel& model, bool with_loss, bool draws, bool is_last);
  bool improves(double fitness);
  void end_epoch();
  [[noreturn]] void end_interrupted();
  void end_in_time();
  std::shared_ptr<DetectionModel> best_model(const std::string& path);
  void strip(const std::string& path);
  TrainReport finish();

  bool stop_wanted() const { return outside_.stop_requested; }
  bool is_time_up() const;
  bool goes_on() const { return state_.epoch < settings_.train.epochs && !out_of_patience(); }
  bool out_of_patience() const;
  bool is_last_epoch() const;

  RunParts& parts_;
  const Settings& settings_;
  TrainState& state_;
  Communicator& comm_;
  std::filesystem::path directory_;
  RunSurroundings outside_;
  RunSaver saver_;
  TrainStep step_;
  EpochRow row_;  // of the epoch under way
  Stopwatch epoch_watch_;
  bool stopped_ = false;
  bool out_of_time_ = false;  // on all ranks; never after the last epoch
  int epochs_run_ = 0;
};

}  // namespace gannet
