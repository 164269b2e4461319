#include "gannet/train/numeric_health.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

#include "gannet/train/run_checkpoint.h"
#include "gannet/train/state.h"

namespace gannet {
namespace {

bool is_finite(const torch::Tensor& values) { return values.isfinite().all().item<bool>(); }

}  // namespace

void keep_good(TrainState& state) { state.health.good = learned_entries(state, {}); }

void recover_rate(TrainState& state) {
  NumericHealth& health = state.health;
  const bool is_good = health.last_bad < state.iteration - state.batches_per_epoch;
  if (is_good) health.lr_factor = std::min(1.0, 2 * health.lr_factor);
}

void roll_back(TrainState& state) {
  restore_learned(state, state.health.good);
  NumericHealth& health = state.health;
  ++health.roll_backs;
  health.lr_factor /= 2;
  health.bad_in_a_row = 0;
}

torch::Tensor nan_unless_finite(const torch::Tensor& loss) {
  const auto value = loss.detach();
  return loss * (value - value + 1);
}

LayerTrace OutputCheck::trace() {
  return [this](int layer, const std::vector<torch::Tensor>& outputs) {
    if (!found_.empty()) return;
    for (const torch::Tensor& output : outputs) {
      if (is_finite(output)) continue;
      found_ = fmt::format("the output of layer {} ({})", layer,
                           model_.plan().layers.at(static_cast<std::size_t>(layer)).module);
      return;
    }
  };
}

std::string find_bad_gradient(const DetectionModel& model) {
  std::string found;
  for (const auto& [name, parameter] : named_parameters_in_order(model))
    if (parameter.grad().defined() && !is_finite(parameter.grad()))
      found = fmt::format("the gradient of '{}'", name);
  return found;
}

}  // namespace gannet
