// One training step: plan, prepare, forward, loss, backward, update, record (house style, section 3).
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "gannet/data/batch.h"
#include "gannet/dist/communicator.h"
#include "gannet/loss/detection_loss.h"
#include "gannet/ops/placement.h"
#include "gannet/train/schedule.h"
#include "gannet/train/state.h"

namespace gannet {

struct StepOptions {
  bool multi_scale = false;
  int image_size = 640;
};

/// Inputs of the network on its device.
struct Inputs {
  torch::Tensor images;      // (B, 3, H, W) in 0..1
  torch::Tensor targets_N6;  // (N, 6)
};

class TrainStep {
 public:
  /// All references must outlive the step.
  TrainStep(TrainState& state, const Schedule& schedule, const DetectionLoss& loss, const Placement& placement,
            Communicator& comm, StepOptions options = {});

  /// Trains on one batch and advances the state's iteration. Throws Error (kNumeric) for a loss that
  /// is not finite, naming its parts, the iteration and the images.
  void run(const Batch& batch);

  /// Starts the running means of an epoch; with --compat original also drops pending gradients (Q19).
  void begin_epoch();
  /// Running means of box, objectness, class and total since begin_epoch; waits for the device.
  std::array<double, 4> mean_items() const;
  const StepPlan& last_plan() const { return plan_; }
  /// Box, objectness, class and total of the last batch, on the device.
  const torch::Tensor& last_items() const { return last_items_; }

 private:
  Inputs prepare(const Batch& batch) const;
  std::vector<torch::Tensor> forward(const Inputs& inputs);
  void backward(const LossParts& loss);
  void update();
  void record(const LossParts& loss, const Batch& batch);

  TrainState& state_;
  const Schedule& schedule_;
  const DetectionLoss& loss_;
  Placement placement_;
  Communicator& comm_;
  StepOptions options_;
  StepPlan plan_;
  torch::Tensor item_sums_, last_items_;
  std::int64_t num_items_ = 0;
};

}  // namespace gannet
