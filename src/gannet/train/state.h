// Everything that changes from step to step, in one place (design rule c).
#pragma once

#include <torch/optim/optimizer.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "gannet/nn/model.h"
#include "gannet/observe/events.h"
#include "gannet/train/ema.h"
#include "gannet/train/numeric_health.h"

namespace gannet {

/// Keeps fp16 gradients in range; a scale of 1 that never changes for other dtypes.
struct LossScaler {
  bool enabled = false;
  double scale = 1;
  std::int64_t good_steps = 0;  // since the scale last changed
};

/// What the row of the epoch under way will say.
struct EpochProgress {
  std::array<double, 4>
      item_sums{};             // box, objectness, class, total over the global batches so far
  std::int64_t num_items = 0;  // batches in these sums
  std::int64_t targets = 0;    // of the last batch
  int image_size = 0;          // of the last batch, px
  torch::Tensor
      uncounted_items;  // (4,) this rank's part of the last batch; undefined: it is counted
};

/// What batches change before they complete an update, as it was after the last complete one. With
/// it a state can be saved at any moment: what comes after it is done again.
struct UpdateBoundary {
  std::int64_t iteration = 0;
  EpochProgress progress;
  std::vector<torch::Tensor> buffers;  // copies, in the model's order
};

/// Short texts that differ where the images or labels of a split do (data/index/fingerprint.h).
struct DataFingerprint {
  std::string train, val;
};

struct TrainState {
  std::shared_ptr<DetectionModel> model;
  std::unique_ptr<Ema> ema;
  std::unique_ptr<torch::optim::Optimizer> optimizer;
  LossScaler scaler;
  NumericHealth health;
  std::int64_t iteration = 0;  // next batch, counted over all epochs
  std::int64_t batches_per_epoch = 1;
  /// Images that a rank computes at once since memory ran out; 0: it never did.
  std::int64_t micro_batch = 0;
  int epoch = 0;  // next epoch
  int schedule_start =
      0;  // epoch from which the schedule counts: above 0 in a run that was extended
  std::uint64_t seed = 0;
  double best_fitness = 0;
  int best_epoch = -1;
  int epochs_without_gain = 0;
  std::vector<double> class_map;  // of the last evaluation; image weights follow from it
  std::vector<EpochRow> results;
  EpochProgress progress;
  UpdateBoundary boundary;
  DataFingerprint data;
};

/// To be called where no gradient is pending: checkpoints hold the state as it is here.
void mark_boundary(TrainState& state);
/// The model's buffers as they were at the boundary: what batches since then did to them is gone.
void return_to_boundary(const TrainState& state);
/// The same where `found` (one value, on the model's device) is not zero; nothing is read back.
void return_to_boundary_where(const torch::Tensor& found, const TrainState& state);

}  // namespace gannet
