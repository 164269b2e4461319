#include "gannet/train/step.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/optim/optimizer.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/fault.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/core/rng.h"
#include "gannet/core/stopwatch.h"
#include "gannet/dist/agreement.h"
#include "gannet/ops/accelerator.h"
#include "gannet/ops/prepare.h"
#include "gannet/train/layer_statistics.h"
#include "gannet/train/optimizer.h"

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

torch::Tensor blank_image(const Batch& batch, const Placement& placement) {
  return torch::zeros({1, 3, batch.height, batch.width},
                      torch::dtype(placement.parameters).device(placement.device))
      .contiguous(placement.memory_format);
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

Inputs four_in_one(const Inputs& inputs, Rng& rng) {
  const std::int64_t groups = inputs.images.size(0) / 4;
  const auto enlarged = [](const torch::Tensor& image) {
    return torch::upsample_bilinear2d(image.unsqueeze(0), {2 * image.size(1), 2 * image.size(2)},
                                      false);
  };
  std::vector<torch::Tensor> images, targets;
  // Targets of an image as those of the picture under construction, moved by cells of a half.
  const auto add_targets = [&](std::int64_t image, bool is_quarter, double right, double below) {
    auto rows = inputs.targets_N6.index({inputs.targets_N6.select(1, 0) == image}).clone();
    rows.select(1, 0).fill_(static_cast<double>(images.size()) - 1);
    if (is_quarter) {
      rows.select(1, 2).add_(right);
      rows.select(1, 3).add_(below);
      rows.slice(1, 2).div_(2);
    }
    targets.push_back(rows);
  };
  for (std::int64_t g = 0; g < groups; ++g) {
    const auto four = inputs.images.slice(0, 4 * g, 4 * g + 4);
    if (rng.uniform() < 0.5) {
      images.push_back(enlarged(four[0]));
      add_targets(4 * g, false, 0, 0);
      continue;
    }
    images.push_back(
        torch::cat({torch::cat({four[0], four[1]}, 1), torch::cat({four[2], four[3]}, 1)}, 2)
            .unsqueeze(0));
    for (std::int64_t i = 0; i < 4; ++i)
      add_targets(4 * g + i, true, static_cast<double>(i / 2), static_cast<double>(i % 2));
  }
  for (std::int64_t i = 4 * groups; i < inputs.images.size(0); ++i) {
    images.push_back(enlarged(inputs.images[i]));
    add_targets(i, false, 0, 0);
  }
  return {torch::cat(images).contiguous(inputs.images.suggest_memory_format()),
          torch::cat(targets)};
}

TrainStep::TrainStep(TrainState& state, const Schedule& schedule, const DetectionLoss& loss,
                     const Placement& placement, Communicator& comm, StepOptions options)
    : state_(state),
      schedule_(schedule),
      loss_(loss),
      placement_(placement),
      comm_(comm),
      options_(options) {
  if (state.boundary.buffers.empty()) mark_boundary(state);
  if (options.shard_threads > 0)
    shards_ =
        std::make_unique<ShardedStep>(*state.model, loss, placement, comm, options.shard_threads);
}

void TrainStep::begin_epoch() {
  if (num_skipped_ > 0 && comm_.is_main())
    log_warning("{} updates of the epoch were skipped: their numbers were not finite",
                num_skipped_);
  num_skipped_ = 0;
  inspects_ = true;
  state_.progress = {};
  if (schedule_.options().quirks == Quirks::kNone) return;
  zero_gradients(*state_.optimizer);
  batches_.clear();
}

void TrainStep::count_last_step() {
  settle();
  if (!state_.progress.uncounted_items.defined()) return;
  const auto own = state_.progress.uncounted_items.to(torch::kCPU);
  require_finite(own);
  const auto sums = comm_.sum("step.items", own);
  count_items(sums.const_data_ptr<double>());
}

void TrainStep::run(const Batch& batch) {
  plan_ = schedule_.at(state_.iteration);
  const Stopwatch watch;
  const auto exposed = [&] { return options_.reducer ? options_.reducer->exposed_seconds() : 0; };
  const double exposed_before = exposed();
  batches_.push_back({state_.iteration, batch});
  try {
    const KernelSearchScope search(options_.search_kernels);
    const Inputs inputs = prepare(batch, state_.iteration);
    shards_ ? run_shards(inputs, batch) : run_whole(inputs, batch);
    if (plan_.completes_update) update();
    if (!bad_batches_.empty()) tell_skipped(std::exchange(bad_batches_, {}), false);
  } catch (const c10::OutOfMemoryError&) {
    throw_out_of_memory(batch);
  }
  own_seconds_ = watch.seconds() - waited_seconds_ - (exposed() - exposed_before);
  ++state_.iteration;
  if (plan_.completes_update) mark_boundary(state_);
}

// Halves until a step fits. Other ranks would have to try as well: there only the advice is left.
void TrainStep::throw_out_of_memory(const Batch& batch) {
  const auto world = static_cast<std::int64_t>(comm_.world_size());
  std::string advice = "use a smaller --batch-size or --img";
  if (world == 1 && !shards_) {
    std::int64_t images = batch.images / 2;
    while (images > 0 && !fits(images, batch)) images /= 2;
    advice = images > 0 ? fmt::format("--batch-size {} fits", images) : "use a smaller --img";
  }
  throw Error(ErrorKind::kUsage,
              fmt::format("{} images of {}x{} are too many for the memory of {}", batch.images,
                          batch.width, batch.height, placement_.device.str()),
              {{}, 0, "--batch-size"}, advice);
}

bool TrainStep::fits(std::int64_t images, const Batch& batch) {
  try {
    zero_gradients(*state_.optimizer);
    release_cached_memory(placement_.device);
    const auto blank = torch::zeros({images, 3, batch.height, batch.width},
                                    torch::dtype(placement_.parameters).device(placement_.device))
                           .contiguous(placement_.memory_format);
    const auto raw = forward({blank, {}}, false);
    loss_(raw, prepare_targets(batch).slice(0, 0, 0), state_.model->head()).total.backward();
    update();
    finish_queued_work(placement_.device);
    return true;
  } catch (const c10::OutOfMemoryError&) {
    return false;
  }
}

// Multi-scale (RB 6.8): a size from half to one and a half, in steps of the stride.
Inputs TrainStep::prepare(const Batch& batch, std::int64_t iteration) const {
  Inputs inputs{
      batch.images > 0 ? prepare_images(batch, placement_) : blank_image(batch, placement_),
      prepare_targets(batch)};
  if (options_.quad) {
    Rng rng({state_.seed, static_cast<std::uint64_t>(comm_.rank()),
             static_cast<std::uint64_t>(iteration), Purpose::kQuad});
    inputs = four_in_one(inputs, rng);
  }
  if (!options_.multi_scale) return inputs;
  const int stride = state_.model->max_stride();
  Rng rng({state_.seed, 0, static_cast<std::uint64_t>(iteration), Purpose::kMultiScale});
  const std::int64_t low = options_.image_size / 2, high = options_.image_size * 3 / 2 + stride;
  const std::int64_t drawn = (low + rng.below(high - low)) / stride * stride;
  const std::int64_t size =
      std::max<std::int64_t>(drawn, stride);  // half a small image may be less
  const double factor =
      static_cast<double>(size) / static_cast<double>(std::max(batch.height, batch.width));
  if (factor == 1) return inputs;
  const auto scaled = [&](std::int64_t side) {
    return ceil_to_multiple(static_cast<double>(side) * factor, stride);
  };
  const std::vector<std::int64_t> shape{scaled(inputs.images.size(2)),
                                        scaled(inputs.images.size(3))};
  inputs.images =
      torch::upsample_bilinear2d(inputs.images, shape, false).contiguous(placement_.memory_format);
  return inputs;
}

// A rank without images takes part in every collective with one that does not count.
std::vector<torch::Tensor> TrainStep::forward(const Inputs& inputs, bool empty,
                                              const LayerTrace& trace) {
  if (options_.norm_sync) options_.norm_sync->counts = !empty;
  const bool keep_statistics = empty && !options_.norm_sync;
  if (keep_statistics) state_.model->eval();
  const AutocastScope autocast(placement_);
  auto raw = state_.model->forward(inputs.images, trace);
  if (keep_statistics) state_.model->train();
  if (empty) {
    for (torch::Tensor& level : raw) level = level.slice(0, 0, 0);
  }
  return raw;
}

void TrainStep::run_whole(const Inputs& inputs, const Batch& batch) {
  const auto raw = forward(inputs, batch.images == 0, inspection());
  const LossTargets targets = loss_.assign(raw, inputs.targets_N6, state_.model->head());
  const LossCounts all = sum_over_ranks(targets.counts);
  LossParts loss = loss_(raw, targets, options_.loss_per_rank ? targets.counts : all);
  if (fault_point("step", comm_.rank())) {
    loss.total = loss.total * std::nan("");
    loss.items = loss.items * std::nan("");
  }
  record(loss.items, batch);
  // Nobody to wait for, neither ranks nor a device: the step counts at once.
  if (comm_.world_size() == 1 && placement_.uses_host_threads()) count_last_step();
  // Of four images in one the loss counts as that of four.
  backward(options_.quad ? loss.total * (static_cast<double>(batch.global_images) / all.images())
                         : loss.total);
}

// The one small sum that a step makes: what the loss is divided by, what ranks wish for, and loss
// and time of the step before, which a rank need not wait for at once.
LossCounts TrainStep::sum_over_ranks(const LossCounts& own) {
  LossCounts all = own;
  std::vector<double> wishes{wishes_.stop ? 1.0 : 0.0, wishes_.save ? 1.0 : 0.0,
                             wishes_.end ? 1.0 : 0.0},
      items(4);
  const bool counts = state_.progress.uncounted_items.defined();
  if (counts) {
    const auto pending = state_.progress.uncounted_items.to(torch::kCPU);
    require_finite(pending);
    std::copy_n(pending.const_data_ptr<double>(), items.size(), items.begin());
  }
  settle();
  std::vector<double> seconds(static_cast<std::size_t>(comm_.world_size()));
  seconds[static_cast<std::size_t>(comm_.rank())] = own_seconds_;
  const Stopwatch waiting;
  sum_in_one("step", {&all.numbers, &wishes, &items, &seconds}, comm_);
  waited_seconds_ = waiting.seconds();
  const bool known = !shards_ && own_seconds_ > 0;
  rank_seconds_ = known ? std::move(seconds) : std::vector<double>();
  agreed_ = {wishes[0] > 0, wishes[1] > 0, wishes[2] > 0};
  if (counts) count_items(items.data());
  return all;
}

// A loss that is not finite is so on all ranks by now, and is no part of a mean.
void TrainStep::count_items(const double* items) {
  EpochProgress& progress = state_.progress;
  if (!std::isfinite(items[3])) {
    progress.uncounted_items = torch::Tensor();
    return;
  }
  for (std::size_t i = 0; i < progress.item_sums.size(); ++i) progress.item_sums[i] += items[i];
  ++progress.num_items;
  progress.uncounted_items = torch::Tensor();
}

void TrainStep::backward(const torch::Tensor& loss) {
  fault_point("backward", comm_.rank());
  auto total = nan_unless_finite(loss);
  if (fault_point("gradient", comm_.rank())) total = total * std::nan("");
  if (state_.scaler.enabled) total = total * state_.scaler.scale;
  if (options_.reducer != nullptr && plan_.completes_update) {
    options_.reducer->backward(total);
  } else {
    total.backward();
  }
}

// Gradients are sums over ranks by now, the same everywhere: each rank decides for itself, and all
// decide alike.
void TrainStep::update() {
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
  } else if (std::isfinite(norm.item<double>())) {
    clip(gradients, norm, options_.clip_gradients);
    step_optimizer(*state_.optimizer);
    state_.ema->update(*state_.model);
    state_.health.bad_in_a_row = 0;
    if (scaler.enabled) adapt(scaler, true);
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
  const Inputs inputs = prepare(planned.batch, planned.iteration);
  const auto raw = forward(inputs, false, check.trace());
  std::string cause = check.found();
  if (cause.empty()) {
    const auto loss = loss_(raw, inputs.targets_N6, state_.model->head()).total;
    if (!std::isfinite(loss.item<double>())) cause = "the loss, though all outputs are finite";
    if (cause.empty() && with_gradients) {
      loss.backward();
      cause = find_bad_gradient(*state_.model);
    }
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

void TrainStep::run_shards(const Inputs& inputs, const Batch& batch) {
  const LossCounts own = shards_->cut(inputs.images, inputs.targets_N6, batch.global_images);
  LossFactors factors{state_.scaler.scale, 1};
  if (fault_point("step", comm_.rank())) factors.backward = factors.told = std::nan("");
  if (fault_point("gradient", comm_.rank())) factors.backward = std::nan("");
  const auto items = shards_->run(sum_over_ranks(own), factors, inspection());
  record(torch::tensor(at::ArrayRef<double>(items), torch::kFloat64), batch);
  count_items(items.data());
  if (plan_.completes_update) shards_->combine();
}

void TrainStep::record(const torch::Tensor& items_4, const Batch& batch) {
  last_items_ = items_4.to(torch::kFloat64);
  state_.progress.uncounted_items = last_items_;  // until the other ranks' parts have come
  recorded_ = {state_.iteration, batch};
  // Reading would wait for a device: its losses are checked when they are counted, a step later.
  if (last_items_.is_cpu()) require_finite(last_items_);
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

std::array<double, 4> TrainStep::mean_items() const {
  std::array<double, 4> means = state_.progress.item_sums;
  for (double& mean : means)
    mean /= static_cast<double>(std::max<std::int64_t>(state_.progress.num_items, 1));
  return means;
}

}  // namespace gannet
