// Parameter groups and the optimizer over them (RB 6.1), with plain-data state by parameter name.
#pragma once

#include <torch/optim/optimizer.h>

#include <memory>
#include <string>
#include <vector>

#include "gannet/io/value.h"
#include "gannet/nn/model.h"
#include "gannet/train/schedule.h"

namespace gannet {

/// What an optimizer is made with (RB 6.1).
struct OptimizerOptions {
  std::string kind = "sgd";  // sgd (Nesterov), adam, adamw
  double lr0 = 0.01, momentum = 0.937;
  double weight_decay = 5e-4;  // already scaled by batch and accumulation
};

/// Which group a parameter belongs to, by its name: 0 norms and others, 1 decayed, 2 biases.
int parameter_group(const std::string& name);

/// An optimizer over the trained parameters in three groups (`parameter_group`), of which only the
/// second decays. Throws Error (kUsage) for an unknown kind.
std::unique_ptr<torch::optim::Optimizer> make_optimizer(const DetectionModel& model,
                                                        const OptimizerOptions& options);

/// Sets rates, times a factor, and momentum (Adam's beta1 stays) of all groups.
void apply_plan(torch::optim::Optimizer& optimizer, const StepPlan& plan, double lr_factor = 1);

/// Applies the gradients. SGD takes one pass over a group, where LibTorch's own takes several for
/// each parameter; the state is the same.
void step_optimizer(torch::optim::Optimizer& optimizer);
/// SGD only, in those calls on any device: nothing changes where `skip` (one float32, on the
/// device) is 1. Nothing is read back.
void step_sgd_unless(const torch::Tensor& skip, torch::optim::Optimizer& optimizer);

/// The gradients that there are, group by group.
std::vector<torch::Tensor> gradients_of(const torch::optim::Optimizer& optimizer);

/// Zeroes gradients where they are: buffers of a reducer stay attached.
void zero_gradients(const torch::optim::Optimizer& optimizer);

/// Leaves no gradients: the next backward pass hands in its own instead of adding to zeros.
void release_gradients(const torch::optim::Optimizer& optimizer);

/// In the form of a checkpoint: state of each parameter (momentum buffers, moments, step counts)
/// under its name.
Value optimizer_state(torch::optim::Optimizer& optimizer, const DetectionModel& model);
/// The way back. Throws Error (kCheckpoint) where shapes do not fit.
void load_optimizer_state(torch::optim::Optimizer& optimizer, const DetectionModel& model,
                          const Value& state);

}  // namespace gannet
