// Rates, momentum and accumulation of every iteration: a pure function of its number (RB 6.3
// to 6.5, release-7.md 6.3 to 6.5).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "gannet/config/settings.h"

namespace gannet {

/// Parameter groups in the optimizer's order: norms and others, decayed weights, biases.
inline constexpr int kNumGroups = 3;

/// Names and defaults of the hyperparameters (RB 6.2 to 6.4).
struct ScheduleOptions {
  int epochs = 300;     // of the whole run
  int start_epoch = 0;  // where the schedule begins: above 0 where a finished run was extended
  std::int64_t batches_per_epoch = 1;
  int total_batch = 16;
  int first_epoch = 0;  // of this run; the original's rates after a resume depend on it (Q18)
  double lr0 = 0.01, lrf = 0.1, momentum = 0.937;
  bool linear = false;                   // instead of half a cosine
  bool warm_momentum = true;             // SGD
  double warmup_epochs = 3;              // warm-up lasts this long,
  std::int64_t min_warmup_steps = 1000;  // but at least this
  double warmup_momentum = 0.9, warmup_bias_lr = 0.1;
  int nominal_batch = 64;         // images per update that accumulation aims at
  Quirks quirks = Quirks::kNone;  // repeat Q17, Q18, Q19, or R02, R07, R08
};

/// What one iteration does.
struct StepPlan {
  std::int64_t iteration = 0;
  int epoch = 0;
  std::array<double, kNumGroups> lr{};
  double momentum = 0;
  int accumulate = 1;             // batches per update that are aimed at
  bool completes_update = false;  // the optimizer steps after this batch
};

/// Rates, momentum and accumulation as functions of the iteration: nothing is carried along.
class Schedule {
 public:
  explicit Schedule(const ScheduleOptions& options);

  /// Plan of a global iteration number (epoch * batches_per_epoch + batch).
  StepPlan at(std::int64_t iteration) const;
  /// Learning rate factor of an epoch, counted from the schedule's start, after warm-up: 1 down to
  /// lrf.
  double factor(double epoch) const;
  std::int64_t warmup_steps() const { return warmup_steps_; }
  /// First iteration and number of iterations that it plans.
  std::int64_t first_iteration() const { return options_.start_epoch * options_.batches_per_epoch; }
  std::int64_t num_iterations() const { return epochs() * options_.batches_per_epoch; }
  const ScheduleOptions& options() const { return options_; }

 private:
  // All of these count iterations and epochs from the schedule's start.
  StepPlan plan_from_start(std::int64_t iteration) const;
  int epochs() const { return options_.epochs - options_.start_epoch; }
  int accumulate_at(std::int64_t iteration) const;
  double settled_factor(int epoch) const;
  bool completes_update(std::int64_t iteration) const;
  const std::vector<bool>& updates_of_epoch(int epoch) const;
  bool completes_update_of_release7(std::int64_t iteration) const;

  ScheduleOptions options_;
  std::int64_t warmup_steps_;
  mutable int cached_epoch_ = -1;
  mutable std::int64_t last_update_ = 0;
  mutable std::vector<bool> cached_updates_;  // of an epoch, or of the run since its first one
};

}  // namespace gannet
