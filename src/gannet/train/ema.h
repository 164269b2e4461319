// Exponential moving average of a model: the weights that are evaluated and kept (RB 6.6).
#pragma once

#include <cstdint>
#include <memory>

#include "gannet/nn/model.h"

namespace gannet {

/// How slowly an average follows: its decay is `decay * (1 - exp(-updates / tau))`.
struct EmaOptions {
  double decay = 0.9999;
  double tau = 2000;  // updates; 0: the full decay from the start
};

/// The exponential moving average of a model, which is what is evaluated and shipped (RB 6.7).
class Ema {
 public:
  /// Starts as a copy of the model.
  explicit Ema(const DetectionModel& model, EmaOptions options = {});

  /// After each optimizer step: every floating tensor moves towards the model's, statistics
  /// included.
  void update(const DetectionModel& model);
  /// The same, but the average stays as it is where `skip` (one value, on the model's device) is
  /// not zero: this counts the update, and whoever learns of it later takes it back by set_updates.
  void update_unless(const torch::Tensor& skip, const DetectionModel& model);
  /// Copies the anchors, which the search may have replaced (Q35).
  void copy_anchors(const DetectionModel& model);

  /// Weight of the past in the update of this number, from 1.
  double decay(std::int64_t updates) const;

  DetectionModel& model() { return *model_; }
  const DetectionModel& model() const { return *model_; }
  std::int64_t updates() const { return updates_; }
  void set_updates(std::int64_t updates) { updates_ = updates; }

 private:
  std::shared_ptr<DetectionModel> model_;
  EmaOptions options_;
  std::int64_t updates_ = 0;
};

}  // namespace gannet
