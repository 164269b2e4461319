// The update of a TrainStep, and what becomes of one whose numbers are not finite: it is left out,
// its cause told, and the state goes back (numeric_health.h).
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/optim/optimizer.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/train/layer_statistics.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/step.h"

namespace gannet {
namespace {

constexpr std::int64_t kStepsBeforeGrowth = 2000;
/// Skipped updates of a run that are explained; more would only fill the log.
constexpr std::int64_t kMostTold = 10;
constexpr const char* kNumericAdvice = "lower lr0, or use --precision fp32";

// Of all gradients together; not finite where one of them is not.
torch::Tensor norm_of(const std::vector<torch::Tensor>& gradients) {
  if (gradients.empty()) return torch::zeros({});
  return torch::stack(torch::_foreach_norm(gradients)).norm();
}

// All gradients together, of this norm, become no longer than `most` (release-7.md 6.5); nothing is
// read back.
void clip(const std::vector<torch::Tensor>& gradients, const torch::Tensor& norm, double most) {
  if (most > 0 && !gradients.empty())
    torch::_foreach_mul_(gradients, (most / (norm + 1e-6)).clamp_max(1));
}

std::string names_of(const Batch& batch) {
  std::vector<std::string> names;
  for (const SampleInfo& sample : batch.samples)
    names.push_back(std::filesystem::path(sample.path).filename().string());
  return fmt::format("{}", fmt::join(names, ", "));
}

// Doubles the scale after a long time without overflow, halves it at one.
void adapt(LossScaler& scaler, bool finite) {
  if (!finite) {
    scaler.scale /= 2;
    scaler.good_steps = 0;
  } else if (++scaler.good_steps >= kStepsBeforeGrowth) {
    scaler.scale *= 2;
    scaler.good_steps = 0;
  }
}

}  // namespace

// Gradients are sums over ranks by now, the same everywhere: each rank decides for itself, and all
// decide alike. @return false where the numbers tell that another rank ran out of memory
bool TrainStep::update() {
  if (options_.before_update) options_.before_update();
  LossScaler& scaler = state_.scaler;
  const auto gradients = gradients_of(*state_.optimizer);
  if (scaler.enabled && !gradients.empty()) torch::_foreach_mul_(gradients, 1 / scaler.scale);
  const auto norm = norm_of(gradients);
  if (std::exchange(inspects_gradients_, false))
    log_gradient_norms(*state_.model, fmt::format("iteration {}", state_.iteration));
  apply_plan(*state_.optimizer, plan_, state_.health.lr_factor);
  if (options_.learn_late && !scaler.enabled) {
    update_where_finite(gradients, norm);
  } else if (!out_of_memory_ && std::isfinite(norm.item<double>())) {
    clip(gradients, norm, options_.clip_gradients);
    step_optimizer(*state_.optimizer);
    state_.ema->update(*state_.model);
    state_.health.bad_in_a_row = 0;
    if (scaler.enabled) adapt(scaler, true);
  } else if (!ranks_had_memory()) {
    return false;
  } else {
    return_to_boundary(state_);
    if (shards_) shards_->take_statistics();
    // Too large a scale is what the scale is there to find out.
    const bool is_overflow = scaler.enabled && scaler.scale > 1;
    if (is_overflow) {
      adapt(scaler, false);
    } else {
      count_bad_update();
      tell_skipped(batches_, true);
    }
  }
  options_.reducer != nullptr ? zero_gradients(*state_.optimizer)
                              : release_gradients(*state_.optimizer);
  batches_.clear();
  if (options_.max_bad_steps > 0 && state_.health.bad_in_a_row >= options_.max_bad_steps) go_back();
  return true;
}

// Asked only where gradients are not finite, which all ranks see alike.
bool TrainStep::ranks_had_memory() {
  if (comm_.world_size() == 1 || options_.in_one_piece) return true;
  const auto lacking = torch::tensor({out_of_memory_ ? 1.0 : 0.0}, torch::kFloat64);
  return comm_.sum("out of memory", lacking).item<double>() == 0;
}

// For a device that the host does not wait for: whether the update counts is decided there, and the
// host learns of it in the next step.
void TrainStep::update_where_finite(const std::vector<torch::Tensor>& gradients,
                                    const torch::Tensor& norm) {
  late_flag_ = norm.isfinite().logical_not().to(torch::kFloat32).reshape({1});
  clip(gradients, norm, options_.clip_gradients);
  step_sgd_unless(late_flag_, *state_.optimizer);
  return_to_boundary_where(late_flag_, state_);
  state_.ema->update_unless(late_flag_, *state_.model);
  late_batches_ = std::move(batches_);
}

void TrainStep::settle() {
  if (!late_flag_.defined()) return;
  const bool counted = late_flag_.item<float>() == 0;
  late_flag_.reset();
  if (counted) {
    state_.health.bad_in_a_row = 0;
    return;
  }
  state_.ema->set_updates(state_.ema->updates() - 1);
  count_bad_update();
  bad_batches_ = std::move(late_batches_);
}

void TrainStep::count_bad_update() {
  ++state_.health.bad_in_a_row;
  state_.health.last_bad = recorded_.iteration;
  ++num_skipped_;
  if (options_.max_bad_steps > 0) return;
  throw Error(ErrorKind::kNumeric,
              fmt::format("a gradient is not finite at iteration {}", recorded_.iteration), {},
              kNumericAdvice);
}

// Each rank looks at its own batches; rank 0 speaks in any case.
void TrainStep::tell_skipped(const std::vector<PlannedBatch>& batches, bool with_gradients) {
  if (++num_told_ > kMostTold) return;
  const std::string then = with_gradients ? find_bad_gradient(*state_.model) : "a gradient";
  for (const PlannedBatch& planned : batches) {
    const std::string cause = find_cause(planned, with_gradients);
    if (!cause.empty()) return warn_of_skipped(planned, cause);
  }
  if (comm_.is_main() && !batches.empty())
    warn_of_skipped(batches.back(), then + "; computed again all is finite");
}

void TrainStep::warn_of_skipped(const PlannedBatch& planned, const std::string& cause) const {
  log_warning("iteration {}: not finite: {}; the update is skipped, {} in a row; images {}",
              planned.iteration, cause, state_.health.bad_in_a_row, names_of(planned.batch));
}

// Computes a batch once more; nothing of that stays. No other rank takes part.
std::string TrainStep::find_cause(const PlannedBatch& planned, bool with_gradients) {
  if (planned.batch.images == 0) return {};
  std::vector<torch::Tensor> buffers;
  for (const auto& buffer : state_.model->buffers()) buffers.push_back(buffer.detach().clone());
  state_.model->synchronise_norms(nullptr);
  if (with_gradients) zero_gradients(*state_.optimizer);
  OutputCheck check(*state_.model);
  std::string cause;
  for (const Inputs& inputs :
       in_pieces(prepare(planned.batch, planned.iteration), state_.micro_batch)) {
    const auto raw = forward(inputs, false, check.trace());
    cause = check.found();
    if (!cause.empty()) break;
    const auto loss = loss_(raw, inputs.targets_N6, state_.model->head()).total;
    if (!std::isfinite(loss.item<double>())) cause = "the loss, though all outputs are finite";
    if (cause.empty() && with_gradients) {
      loss.backward();
      cause = find_bad_gradient(*state_.model);
    }
    if (!cause.empty()) break;
  }
  state_.model->synchronise_norms(options_.norm_sync);
  const torch::NoGradGuard no_grad;
  auto live = state_.model->buffers();
  torch::_foreach_copy_(live, buffers);
  return cause;
}

// To what was learned at the end of the last epoch, on every rank from its own memory.
void TrainStep::go_back() {
  NumericHealth& health = state_.health;
  if (health.roll_backs >= kMostRollBacks)
    throw Error(ErrorKind::kNumeric,
                fmt::format("numbers are not finite in {} updates in a row at iteration {}, after "
                            "going back {} times",
                            health.bad_in_a_row, state_.iteration, health.roll_backs),
                {}, kNumericAdvice);
  roll_back(state_);
  late_flag_.reset();
  if (shards_) shards_->take_statistics();
  if (comm_.is_main())
    log_warning(
        "iteration {}: back to what was learned at the end of the last epoch, with {:g} times the "
        "learning rate (roll-back {} of {})",
        state_.iteration, health.lr_factor, health.roll_backs, kMostRollBacks);
}

// Of a run with --debug: the first step, and the first one of each epoch.
LayerTrace TrainStep::inspection() {
  if (!std::exchange(inspects_, false) || log_level() != LogLevel::kDebug) return {};
  inspects_gradients_ = true;
  return log_outputs(*state_.model, fmt::format("iteration {}", state_.iteration));
}

void TrainStep::require_finite(const torch::Tensor& items_4) const {
  const double* items = items_4.const_data_ptr<double>();
  if (options_.max_bad_steps > 0 || std::isfinite(items[3])) return;
  throw Error(
      ErrorKind::kNumeric,
      fmt::format("the loss is not finite at iteration {}: box {:g}, objectness {:g}, "
                  "class {:g}; images {}",
                  recorded_.iteration, items[0], items[1], items[2], names_of(recorded_.batch)),
      {}, kNumericAdvice);
}

}  // namespace gannet
