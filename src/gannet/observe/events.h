// What a training run tells to whoever listens: plain structs and the interface of the listeners.
// The trainer knows no listener by name; console, result files and plots are all observers.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/core/error.h"
#include "gannet/core/head_spec.h"
#include "gannet/core/stopwatch.h"
#include "gannet/data/sample/batch.h"
#include "gannet/metrics/average_precision.h"
#include "gannet/metrics/matching.h"

namespace gannet {

/// Means of the loss parts over the images seen; `total` is their sum.
struct LossMeans {
  double box = 0, obj = 0, cls = 0, total = 0;
};

/// What the schedule plans for one moment of a run.
struct PlannedRates {
  std::array<double, 3> lr{};  // per group: weights without decay, with decay, biases
  double momentum = 0;
};

/// A run begins or goes on. Pointers are only valid during the call and may be null.
struct RunInfo {
  std::filesystem::path directory;
  int start_epoch = 0;  // first epoch that this process trains; above 0 after a resume
  int epochs = 0;
  int batch_size = 0;
  int image_size = 0;
  std::int64_t num_parameters = 0;
  std::int64_t train_images = 0, val_images = 0;
  const std::vector<std::string>* names = nullptr;
  const std::vector<Label>* train_labels = nullptr;  // all labels of the training set
  std::vector<std::array<float, 2>> box_sizes_px;    // of these, at the image size of training
  HeadSpec head;
  int plan_start = 0;              // epoch from which the plan counts: above 0 in an extended run
  std::vector<PlannedRates> plan;  // evenly spaced from its first step to the last of all epochs
};

struct EpochStart {
  int epoch = 0;  // from 0
  int epochs = 0;
  std::int64_t steps = 0;
};

/// How training stands: shared by steps and epochs.
struct TrainProgress {
  int epoch = 0;  // from 0
  int epochs = 0;
  double memory_gib = 0;     // device memory reserved; resident size on the CPU
  LossMeans loss;            // running means over the epoch
  std::int64_t targets = 0;  // labels of the last batch
  int image_size = 0;        // width of the last batch, px
  double images_per_second = 0;
  double data_wait_fraction = 0;  // part of the time in which the trainer waited for the loader
};

struct StepEvent : TrainProgress {
  std::int64_t step = 0;  // from 0, in the epoch
  std::int64_t steps = 0;
  double seconds_left = 0;  // of the epoch
  /// By rank: what the step before took it, without waiting for the others; empty: not known.
  std::vector<double> rank_seconds;
};

/// One finished epoch: a row of the results history.
struct EpochRow : TrainProgress {
  bool evaluated = false;  // the figures below are meaningless otherwise
  MeanMetrics metrics;
  LossMeans val_loss;
  std::int64_t val_images = 0, val_targets = 0;
  std::array<double, 3> lr{};  // per group: weights without decay, with decay, biases
  double seconds = 0;          // of training and evaluation
};

/// A batch worth looking at. Pointers are only valid during the call; names may be null.
struct BatchPicture {
  const Batch* batch = nullptr;
  const std::vector<std::string>* names = nullptr;
  std::string stem;  // of the file, for example "train_batch0"
  /// Per image of the batch, in its pixels; null draws the batch's own targets.
  const std::vector<std::vector<ScoredBox>>* predictions = nullptr;
  int epoch = 0;
};

struct CheckpointEvent {
  std::filesystem::path path;
  int epoch = 0;
  bool best = false;
};

/// What a run came to.
struct RunSummary {
  std::filesystem::path directory;  // empty: it did not get as far
  int epochs_run = 0;
  double seconds = 0;
  int best_epoch = -1;  // -1: nothing was evaluated
  double best_fitness = 0;
  MeanMetrics best = {};                  // of that epoch
  std::filesystem::path checkpoint = {};  // the best one, else the last; empty: there is none
  bool time_is_up = false;                // ended by --time-limit; it can go on
};

/// A run ended before its end.
struct RunFailure {
  RunSummary so_far;
  std::string error;
  bool interrupted = false;  // by request, after its state was saved
};

/// Listens to a run. Every function does nothing unless overridden; all are called by one thread of
/// rank 0; the last call is either on_run_end or on_run_failed, which may be the only one. What an
/// observer throws ends the run, unless it only could not write (kIo).
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void on_run_start(const RunInfo& /*info*/) {}
  virtual void on_epoch_start(const EpochStart& /*start*/) {}
  virtual void on_step(const StepEvent& /*step*/) {}
  virtual void on_epoch_end(const EpochRow& /*row*/) {}
  virtual void on_batch_picture(const BatchPicture& /*picture*/) {}
  virtual void on_checkpoint(const CheckpointEvent& /*checkpoint*/) {}
  virtual void on_run_end(const RunSummary& /*summary*/) {}
  /// What this throws is told as a warning: the error that ends the run matters more.
  virtual void on_run_failed(const RunFailure& /*failure*/) {}
};

/// Passes every event on to its members, in the order in which they were added. One that cannot
/// write a file (kIo) is warned about, and the run goes on.
class ObserverList : public RunObserver {
 public:
  /// @param what it is called where its cost is told
  explicit ObserverList(const char* what = "observers") : what_(what) {}

  void add(std::unique_ptr<RunObserver> observer) { observers_.push_back(std::move(observer)); }
  bool empty() const { return observers_.empty(); }

  void on_run_start(const RunInfo& info) override { tell(&RunObserver::on_run_start, info); }
  void on_epoch_start(const EpochStart& start) override {
    tell(&RunObserver::on_epoch_start, start);
  }
  void on_step(const StepEvent& step) override { tell(&RunObserver::on_step, step); }
  void on_epoch_end(const EpochRow& row) override { tell(&RunObserver::on_epoch_end, row); }
  void on_batch_picture(const BatchPicture& picture) override {
    tell(&RunObserver::on_batch_picture, picture);
  }
  void on_checkpoint(const CheckpointEvent& checkpoint) override {
    tell(&RunObserver::on_checkpoint, checkpoint);
  }
  void on_run_end(const RunSummary& summary) override {
    tell(&RunObserver::on_run_end, summary);
    log_cost(summary);
  }
  void on_run_failed(const RunFailure& failure) override;

 private:
  template <class Event>
  void tell(void (RunObserver::*about)(const Event&), const Event& event) {
    const Stopwatch watch;
    for (const auto& observer : observers_) {
      try {
        (observer.get()->*about)(event);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kIo) throw;
        warn(error);
      }
    }
    seconds_ += watch.seconds();
  }

  static void warn(const Error& error);
  void log_cost(const RunSummary& summary) const;

  const char* what_;
  std::vector<std::unique_ptr<RunObserver>> observers_;
  double seconds_ = 0;  // that the members took
};

}  // namespace gannet
