// One training run from its settings to its last checkpoint: what it holds, and its phases. Trainer
// is what others see of it. Set up in training_run_setup.cpp, carried out in training_run.cpp.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "gannet/config/settings.h"
#include "gannet/data/loading/loader.h"
#include "gannet/eval/evaluate.h"
#include "gannet/io/value.h"
#include "gannet/loss/detection_loss.h"
#include "gannet/observe/events.h"
#include "gannet/ops/placement.h"
#include "gannet/train/run_saver.h"
#include "gannet/train/run_setup.h"
#include "gannet/train/schedule.h"
#include "gannet/train/state.h"
#include "gannet/train/step.h"
#include "gannet/train/trainer.h"

namespace gannet {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct TrainingRun {
  TrainingRun(const Settings& given, std::shared_ptr<Communicator> ranks);

  /// Builds everything, and restores what was saved; fails before anything is written.
  void prepare();
  /// After prepare: from the run directory to the last evaluation.
  TrainReport train();

  // Parts of prepare, in this order.
  void build_model_and_data();
  std::int64_t least_cells() const;
  void avoid_few_values();
  void adapt_anchors();
  void build_state();
  void restore();
  void require_same_data() const;
  void require_same_batches() const;
  void join_ranks();
  void build_step();
  void build_loaders();

  // Parts of train.
  void start_observers();
  RunInfo describe() const;
  void train_epoch();
  void report_step(std::int64_t step, std::int64_t done, std::int64_t steps, const Stopwatch& watch,
                   std::int64_t images);
  void validate();
  EvalReport evaluate(DetectionModel& model, bool with_loss, bool final_epoch);
  bool improves(double fitness);
  void end_epoch();
  void end_interrupted();
  std::shared_ptr<DetectionModel> best_model(const std::string& path);
  void strip(const std::string& path);
  TrainReport finish();

  bool stop_wanted() const { return stop_requested; }
  bool out_of_patience() const {
    return settings.train.patience > 0 && state.epochs_without_gain >= settings.train.patience;
  }
  bool is_last_epoch() const {
    return state.epoch + 1 >= settings.train.epochs || out_of_patience();
  }

  Settings settings;
  std::string resumed_from;
  Value checkpoint;  // what to restore; none for a new run
  std::filesystem::path directory;

  std::shared_ptr<Communicator> comm;
  Placement placement;
  std::optional<RunData> data;
  std::optional<Loader> train_loader, val_loader;
  std::optional<Schedule> schedule;
  std::optional<DetectionLoss> loss;
  std::unique_ptr<GradientReducer> reducer;
  std::shared_ptr<NormSync> norm_sync;
  std::optional<TrainStep> step;
  TrainState state;
  EpochRow row;
  ObserverList observers;
  std::optional<RunSaver> saver;
  Stopwatch run_watch, epoch_watch;
  bool stopped = false;
  int epochs_run = 0;
  std::atomic<bool> stop_requested{false};
};

}  // namespace gannet
