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
#include "gannet/core/numeric.h"
#include "gannet/core/rng.h"
#include "gannet/core/stopwatch.h"
#include "gannet/dist/agreement.h"
#include "gannet/ops/accelerator.h"
#include "gannet/ops/prepare.h"
#include "gannet/train/optimizer.h"

namespace gannet {
namespace {

constexpr std::int64_t kStepsBeforeGrowth = 2000;

// Gradients leave the loss scale; @return whether all are finite.
bool unscale(const torch::optim::Optimizer& optimizer, double scale) {
  const auto gradients = gradients_of(optimizer);
  if (gradients.empty()) return true;
  const auto device = gradients.front().options().dtype(torch::kFloat32);
  auto found = torch::zeros({1}, device);
  torch::_amp_foreach_non_finite_check_and_unscale_(gradients, found,
                                                    torch::full({1}, 1 / scale, device));
  return found.item<float>() == 0;
}

torch::Tensor blank_image(const Batch& batch, const Placement& placement) {
  return torch::zeros({1, 3, batch.height, batch.width},
                      torch::dtype(placement.parameters).device(placement.device))
      .contiguous(placement.memory_format);
}

// All gradients together become no longer than `most` (release-7.md 6.5); nothing is read back.
void clip(const torch::optim::Optimizer& optimizer, double most) {
  const auto gradients = gradients_of(optimizer);
  if (gradients.empty()) return;
  const auto norm = torch::stack(torch::_foreach_norm(gradients)).norm();
  torch::_foreach_mul_(gradients, (most / (norm + 1e-6)).clamp_max(1));
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
  if (options.shard_threads > 0)
    shards_ =
        std::make_unique<ShardedStep>(*state.model, loss, placement, comm, options.shard_threads);
}

void TrainStep::begin_epoch() {
  state_.progress = {};
  if (schedule_.options().quirks != Quirks::kNone) zero_gradients(*state_.optimizer);
}

void TrainStep::count_last_step() {
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
  try {
    const KernelSearchScope search(options_.search_kernels);
    const Inputs inputs = prepare(batch);
    shards_ ? run_shards(inputs, batch) : run_whole(inputs, batch);
    if (plan_.completes_update) update();
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
Inputs TrainStep::prepare(const Batch& batch) const {
  Inputs inputs{
      batch.images > 0 ? prepare_images(batch, placement_) : blank_image(batch, placement_),
      prepare_targets(batch)};
  if (options_.quad) {
    Rng rng({state_.seed, static_cast<std::uint64_t>(comm_.rank()),
             static_cast<std::uint64_t>(state_.iteration), Purpose::kQuad});
    inputs = four_in_one(inputs, rng);
  }
  if (!options_.multi_scale) return inputs;
  const int stride = state_.model->max_stride();
  Rng rng({state_.seed, 0, static_cast<std::uint64_t>(state_.iteration), Purpose::kMultiScale});
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
std::vector<torch::Tensor> TrainStep::forward(const Inputs& inputs, bool empty) {
  if (options_.norm_sync) options_.norm_sync->counts = !empty;
  const bool keep_statistics = empty && !options_.norm_sync;
  if (keep_statistics) state_.model->eval();
  const AutocastScope autocast(placement_);
  auto raw = state_.model->forward(inputs.images);
  if (keep_statistics) state_.model->train();
  if (empty) {
    for (torch::Tensor& level : raw) level = level.slice(0, 0, 0);
  }
  return raw;
}

void TrainStep::run_whole(const Inputs& inputs, const Batch& batch) {
  const auto raw = forward(inputs, batch.images == 0);
  const LossTargets targets = loss_.assign(raw, inputs.targets_N6, state_.model->head());
  const LossCounts all = sum_over_ranks(targets.counts);
  const LossParts loss = loss_(raw, targets, options_.loss_per_rank ? targets.counts : all);
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
  std::vector<double> wishes{wishes_.stop ? 1.0 : 0.0, wishes_.save ? 1.0 : 0.0}, items(4);
  const bool counts = state_.progress.uncounted_items.defined();
  if (counts) {
    const auto pending = state_.progress.uncounted_items.to(torch::kCPU);
    require_finite(pending);
    std::copy_n(pending.const_data_ptr<double>(), items.size(), items.begin());
  }
  std::vector<double> seconds(static_cast<std::size_t>(comm_.world_size()));
  seconds[static_cast<std::size_t>(comm_.rank())] = own_seconds_;
  const Stopwatch waiting;
  sum_in_one("step", {&all.numbers, &wishes, &items, &seconds}, comm_);
  waited_seconds_ = waiting.seconds();
  const bool known = !shards_ && own_seconds_ > 0;
  rank_seconds_ = known ? std::move(seconds) : std::vector<double>();
  agreed_ = {wishes[0] > 0, wishes[1] > 0};
  if (counts) count_items(items.data());
  return all;
}

void TrainStep::count_items(const double* items) {
  EpochProgress& progress = state_.progress;
  for (std::size_t i = 0; i < progress.item_sums.size(); ++i) progress.item_sums[i] += items[i];
  ++progress.num_items;
  progress.uncounted_items = torch::Tensor();
}

void TrainStep::backward(const torch::Tensor& loss) {
  fault_point("backward", comm_.rank());
  const auto total = state_.scaler.enabled ? loss * state_.scaler.scale : loss;
  if (options_.reducer != nullptr && plan_.completes_update) {
    options_.reducer->backward(total);
  } else {
    total.backward();
  }
}

void TrainStep::update() {
  if (options_.before_update) options_.before_update();
  const bool finite = !state_.scaler.enabled || unscale(*state_.optimizer, state_.scaler.scale);
  if (finite) {
    if (options_.clip_gradients > 0) clip(*state_.optimizer, options_.clip_gradients);
    apply_plan(*state_.optimizer, plan_);
    step_optimizer(*state_.optimizer);
    state_.ema->update(*state_.model);
  }
  if (state_.scaler.enabled) adapt(state_.scaler, finite);
  zero_gradients(*state_.optimizer);
}

void TrainStep::run_shards(const Inputs& inputs, const Batch& batch) {
  const LossCounts own = shards_->cut(inputs.images, inputs.targets_N6, batch.global_images);
  const auto items = shards_->run(sum_over_ranks(own), state_.scaler.scale);
  record(torch::tensor(at::ArrayRef<double>(items), torch::kFloat64), batch);
  count_items(items.data());
  if (plan_.completes_update) shards_->combine();
}

void TrainStep::record(const torch::Tensor& items_4, const Batch& batch) {
  last_items_ = items_4.to(torch::kFloat64);
  if (fault_point("step", comm_.rank())) last_items_.fill_(std::nan(""));
  state_.progress.uncounted_items = last_items_;  // until the other ranks' parts have come
  recorded_ = {state_.iteration, {}};
  for (const SampleInfo& sample : batch.samples)
    recorded_.images.push_back(std::filesystem::path(sample.path).filename().string());
  // Reading would wait for a device: its losses are checked when they are counted, a step later.
  if (last_items_.is_cpu()) require_finite(last_items_);
}

void TrainStep::require_finite(const torch::Tensor& items_4) const {
  const double* items = items_4.const_data_ptr<double>();
  if (std::isfinite(items[3])) return;
  throw Error(ErrorKind::kNumeric,
              fmt::format("the loss is not finite at iteration {}: box {:g}, objectness {:g}, "
                          "class {:g}; images {}",
                          recorded_.iteration, items[0], items[1], items[2],
                          fmt::join(recorded_.images, ", ")),
              {}, "lower lr0, or use --precision fp32");
}

std::array<double, 4> TrainStep::mean_items() const {
  std::array<double, 4> means = state_.progress.item_sums;
  for (double& mean : means)
    mean /= static_cast<double>(std::max<std::int64_t>(state_.progress.num_items, 1));
  return means;
}

}  // namespace gannet
