#include "gannet/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gannet/core/numeric.h"

namespace gannet {
namespace {

double interpolate(std::int64_t x, std::int64_t end, double from, double to) {
  return from + (to - from) * static_cast<double>(x) / static_cast<double>(end);
}

}  // namespace

Schedule::Schedule(const ScheduleOptions& options)
    : options_(options),
      warmup_steps_(std::max<std::int64_t>(
          {round_half_even(options.warmup_epochs * static_cast<double>(options.batches_per_epoch)),
           options.min_warmup_steps, 1})) {}

double Schedule::factor(double epoch) const {
  const double progress = epoch / epochs();
  const double fall =
      options_.linear ? 1 - progress : (1 + std::cos(progress * std::numbers::pi)) / 2;
  return fall * (1 - options_.lrf) + options_.lrf;
}

int Schedule::accumulate_at(std::int64_t iteration) const {
  const double wanted = static_cast<double>(options_.nominal_batch) / options_.total_batch;
  const double now = interpolate(std::min(iteration, warmup_steps_), warmup_steps_, 1, wanted);
  return static_cast<int>(std::max<std::int64_t>(1, round_half_even(now)));
}

// The factor of an epoch whose rate warm-up does not set. The original sets rates at the end of an
// epoch, one late; in July 2020 it is that of epoch 0 in the first epoch of a run, and in the epoch
// in which warm-up ends the last value of warm-up stays.
double Schedule::settled_factor(int epoch) const {
  if (options_.quirks == Quirks::kNone) return factor(epoch);
  if (warmup_steps_ >= epoch * options_.batches_per_epoch) return factor(epoch);
  const bool starts_over =
      options_.quirks == Quirks::kJuly2020 && epoch == options_.first_epoch - options_.start_epoch;
  return starts_over ? factor(0) : factor(epoch - 1);
}

const std::vector<bool>& Schedule::updates_of_epoch(int epoch) const {
  if (cached_epoch_ == epoch) return cached_updates_;
  cached_updates_.assign(static_cast<std::size_t>(options_.batches_per_epoch), false);
  std::int64_t pending = 0;
  for (std::int64_t i = 0; i < options_.batches_per_epoch; ++i) {
    ++pending;
    const bool last = i + 1 == options_.batches_per_epoch;
    if (last || pending >= accumulate_at(epoch * options_.batches_per_epoch + i)) {
      cached_updates_[static_cast<std::size_t>(i)] = true;
      pending = 0;
    }
  }
  cached_epoch_ = epoch;
  return cached_updates_;
}

// An update at the first batch of a run, then whenever enough batches lie behind the last one: as
// 7.0 counts them, though gradients of before an epoch are gone (R07, R08).
bool Schedule::completes_update_of_release7(std::int64_t iteration) const {
  const std::int64_t first =
      (options_.first_epoch - options_.start_epoch) * options_.batches_per_epoch;
  auto& updates = cached_updates_;
  for (auto i = first + static_cast<std::int64_t>(updates.size()); i <= iteration; ++i) {
    if (i == first || i - last_update_ >= accumulate_at(i)) last_update_ = i;
    updates.push_back(last_update_ == i);
  }
  return updates[static_cast<std::size_t>(iteration - first)];
}

bool Schedule::completes_update(std::int64_t iteration) const {
  if (options_.quirks == Quirks::kJuly2020) return iteration % accumulate_at(iteration) == 0;
  if (options_.quirks == Quirks::kRelease7) return completes_update_of_release7(iteration);
  const auto epoch = static_cast<int>(iteration / options_.batches_per_epoch);
  return updates_of_epoch(epoch)[static_cast<std::size_t>(iteration % options_.batches_per_epoch)];
}

StepPlan Schedule::at(std::int64_t iteration) const {
  StepPlan plan = plan_from_start(iteration - first_iteration());
  plan.iteration = iteration;
  plan.epoch += options_.start_epoch;
  return plan;
}

StepPlan Schedule::plan_from_start(std::int64_t iteration) const {
  StepPlan plan;
  plan.iteration = iteration;
  plan.epoch = static_cast<int>(iteration / options_.batches_per_epoch);
  plan.accumulate = accumulate_at(iteration);
  plan.completes_update = completes_update(iteration);
  plan.momentum = options_.momentum;
  if (iteration > warmup_steps_) {
    plan.lr.fill(options_.lr0 * settled_factor(plan.epoch));
    return plan;
  }
  const double target = options_.lr0 * factor(plan.epoch);
  for (int group = 0; group < kNumGroups; ++group) {
    const bool biases = group == kNumGroups - 1;
    plan.lr[static_cast<std::size_t>(group)] =
        interpolate(iteration, warmup_steps_, biases ? options_.warmup_bias_lr : 0, target);
  }
  if (options_.warm_momentum)
    plan.momentum =
        interpolate(iteration, warmup_steps_, options_.warmup_momentum, options_.momentum);
  return plan;
}

}  // namespace gannet
