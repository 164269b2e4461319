#include "gannet/train/step.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/fault.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/core/rng.h"
#include "gannet/core/stopwatch.h"
#include "gannet/dist/agreement.h"
#include "gannet/ops/accelerator.h"
#include "gannet/ops/out_of_memory.h"
#include "gannet/ops/prepare.h"
#include "gannet/train/optimizer.h"

namespace gannet {
namespace {

torch::Tensor blank_image(const Batch& batch, const Placement& placement) {
  return torch::zeros({1, 3, batch.height, batch.width},
                      torch::dtype(placement.parameters).device(placement.device))
      .contiguous(placement.memory_format);
}

}  // namespace

std::vector<Inputs> in_pieces(const Inputs& inputs, std::int64_t most) {
  const std::int64_t images = inputs.images.size(0);
  if (most <= 0 || images <= most) return {inputs};
  const std::int64_t count = (images + most - 1) / most;
  const auto image_of_row = inputs.targets_N6.select(1, 0);
  std::vector<Inputs> pieces;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t begin = images * i / count, end = images * (i + 1) / count;
    auto rows =
        inputs.targets_N6.index({(image_of_row >= begin).logical_and(image_of_row < end)}).clone();
    rows.select(1, 0).sub_(static_cast<double>(begin));
    pieces.push_back({inputs.images.slice(0, begin, end), rows});
  }
  return pieces;
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
  const bool had_memory = has_memory_for([&] {
    const KernelSearchScope search(options_.search_kernels);
    bool is_done = compute(batch, state_.iteration);
    while (!is_done) is_done = redo_in_halves(batch);
    if (!bad_batches_.empty()) tell_skipped(std::exchange(bad_batches_, {}), false);
  });
  if (!had_memory) throw_out_of_memory(batch, batch.images);
  own_seconds_ = watch.seconds() - waited_seconds_ - (exposed() - exposed_before);
  ++state_.iteration;
  if (plan_.completes_update) mark_boundary(state_);
}

// @return false where memory ran out on any rank, as far as this is known: nothing was updated
bool TrainStep::compute(const Batch& batch, std::int64_t iteration) {
  state_.iteration = iteration;
  plan_ = schedule_.at(iteration);
  if (shards_) {
    run_shards(prepare(batch, iteration), batch);
  } else if (!run_whole(batch)) {
    return false;
  }
  return !plan_.completes_update || update();
}

// All ranks come here together, and all have the same batches since the last update.
bool TrainStep::redo_in_halves(const Batch& batch) {
  const std::int64_t world = comm_.world_size(), share = (batch.global_images + world - 1) / world,
                     most = state_.micro_batch > 0 ? std::min(state_.micro_batch, share) : share;
  if (most <= 1) throw_out_of_memory(batch, 1);
  state_.micro_batch = (most + 1) / 2;
  if (comm_.is_main())
    log_warning(
        "iteration {}: memory ran out with {} images at once{}; from now on {} at a time, as many "
        "as before to an update (batch norm sees fewer)",
        state_.iteration, most, world > 1 ? " on each rank" : "", state_.micro_batch);
  out_of_memory_ = false;
  EpochProgress progress = state_.boundary.progress;
  progress.targets = state_.progress.targets;  // of the batch under way
  progress.image_size = state_.progress.image_size;
  state_.progress = progress;
  state_.model->train();  // a rank without images may have been stopped in between
  return_to_boundary(state_);
  options_.reducer != nullptr ? zero_gradients(*state_.optimizer)
                              : release_gradients(*state_.optimizer);
  release_cached_memory(placement_.device);
  const std::vector<PlannedBatch> batches = batches_;
  return std::all_of(batches.begin(), batches.end(), [this](const PlannedBatch& planned) {
    return compute(planned.batch, planned.iteration);
  });
}

void TrainStep::throw_out_of_memory(const Batch& batch, std::int64_t images) const {
  const std::string size = fmt::format("{}x{}", batch.width, batch.height),
                    device = placement_.device.str();
  if (images > 1)
    throw Error(
        ErrorKind::kMemory,
        fmt::format("{} images of {} are too many for the memory of {}", images, size, device), {},
        "use a smaller --batch-size");
  throw Error(ErrorKind::kMemory,
              fmt::format("an image of {} is too much for the memory of {}", size, device), {},
              "use a smaller --img-size or model");
}

// What runs out of memory in it is told to the other ranks.
void TrainStep::attempt(const std::function<void()>& work) {
  if (options_.in_one_piece) return work();
  if (!has_memory_for(work)) out_of_memory_ = true;
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

// The first piece goes forward before the sum over ranks, which it gives the time for to others.
// @return as `compute`
bool TrainStep::run_whole(const Batch& batch) {
  const HeadSpec& head = state_.model->head();
  std::vector<Inputs> pieces;
  std::vector<torch::Tensor> raw;
  LossTargets targets;
  LossCounts own{std::vector<double>(2 * head.strides.size() + 1)};
  const auto look_at = [&](const Inputs& inputs, const LayerTrace& trace) {
    fault_point("memory", comm_.rank());
    raw = forward(inputs, batch.images == 0, trace);
    targets = loss_.assign(raw, inputs.targets_N6, head);
  };
  attempt([&] {
    const Inputs inputs = prepare(batch, state_.iteration);
    pieces = in_pieces(inputs, state_.micro_batch);
    look_at(pieces.front(), inspection());
    const auto& images = inputs.images;
    own = pieces.size() == 1 ? targets.counts
                             : loss_.count(inputs.targets_N6,
                                           {images.size(0), images.size(2), images.size(3)}, head);
  });
  const LossCounts all = sum_over_ranks(own);
  if (any_out_of_memory_) return false;
  torch::Tensor items;
  attempt([&] {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i > 0) look_at(pieces[i], {});
      LossParts loss = loss_(raw, targets, options_.loss_per_rank ? own : all);
      raw.clear();
      if (fault_point("step", comm_.rank())) {
        loss.total = loss.total * std::nan("");
        loss.items = loss.items * std::nan("");
      }
      items = i == 0 ? loss.items : items + loss.items;
      // Of four images in one the loss counts as that of four.
      backward(options_.quad
                   ? loss.total * (static_cast<double>(batch.global_images) / all.images())
                   : loss.total,
               i + 1 == pieces.size());
    }
  });
  if (out_of_memory_) return join_without_gradients(batch);
  record(items, batch);
  // Nobody to wait for, neither ranks nor a device: the step counts at once.
  if (comm_.world_size() == 1 && placement_.uses_host_threads()) count_last_step();
  return true;
}

// Of a rank that ran out of memory after the sum: the others learn of it from gradients that are
// not finite, or else in the next sum.
bool TrainStep::join_without_gradients(const Batch& batch) {
  if (comm_.world_size() == 1) return false;
  if (!plan_.completes_update) return true;
  if (options_.learn_late || !options_.reducer->give_up()) throw_out_of_memory(batch, batch.images);
  return true;
}

// The one small sum that a step makes: what the loss is divided by, what ranks wish for, and loss
// and time of the step before, which a rank need not wait for at once.
LossCounts TrainStep::sum_over_ranks(const LossCounts& own) {
  LossCounts all = own;
  std::vector<double> wishes{wishes_.stop ? 1.0 : 0.0, wishes_.save ? 1.0 : 0.0,
                             wishes_.end ? 1.0 : 0.0, out_of_memory_ ? 1.0 : 0.0},
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
  any_out_of_memory_ = wishes[3] > 0;
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

void TrainStep::backward(const torch::Tensor& loss, bool completes_batch) {
  fault_point("backward", comm_.rank());
  auto total = nan_unless_finite(loss);
  if (fault_point("gradient", comm_.rank())) total = total * std::nan("");
  if (state_.scaler.enabled) total = total * state_.scaler.scale;
  if (options_.reducer != nullptr && plan_.completes_update && completes_batch) {
    options_.reducer->backward(total);
  } else {
    total.backward();
  }
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

std::array<double, 4> TrainStep::mean_items() const {
  std::array<double, 4> means = state_.progress.item_sums;
  for (double& mean : means)
    mean /= static_cast<double>(std::max<std::int64_t>(state_.progress.num_items, 1));
  return means;
}

}  // namespace gannet
