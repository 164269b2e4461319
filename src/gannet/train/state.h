// Everything that changes from step to step, in one place, and its form in a checkpoint (design rule c).
#pragma once

#include <torch/optim/optimizer.h>

#include <memory>
#include <string>
#include <vector>

#include "gannet/config/settings.h"
#include "gannet/io/value.h"
#include "gannet/nn/model.h"
#include "gannet/observe/events.h"
#include "gannet/train/ema.h"

namespace gannet {

/// Keeps fp16 gradients in range; a scale of 1 that never changes for other dtypes.
struct LossScaler {
  bool enabled = false;
  double scale = 1;
  std::int64_t good_steps = 0;  // since the scale last changed
};

struct TrainState {
  std::shared_ptr<DetectionModel> model;
  std::unique_ptr<Ema> ema;
  std::unique_ptr<torch::optim::Optimizer> optimizer;
  LossScaler scaler;
  std::int64_t iteration = 0;  // next batch, counted over all epochs
  int epoch = 0;               // next epoch
  std::uint64_t seed = 0;
  double best_fitness = 0;
  int best_epoch = -1;
  int epochs_without_gain = 0;
  std::vector<double> class_map;  // of the last evaluation; image weights follow from it
  std::vector<EpochRow> results;
};

/// A full checkpoint: the state and the settings, free of world size and worker count.
Value checkpoint_of(const TrainState& state, const Settings& settings, const std::vector<std::string>& names);

/// Settings of a run from its checkpoint. Throws Error (kCheckpoint) for one that cannot be resumed.
Settings settings_of_checkpoint(const Value& checkpoint, const std::string& path);

/// Fills a state whose model, EMA and optimizer are already built. Throws Error (kCheckpoint) where
/// the file does not fit.
void restore_state(TrainState& state, const Value& checkpoint);

/// Rewrites a checkpoint for use: the averaged weights in half precision, nothing of training.
/// @return size of the file in bytes
std::uintmax_t strip_checkpoint(const std::string& path);

}  // namespace gannet
