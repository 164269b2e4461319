// What becomes of a run whose numbers are not finite: steps are left out, and where that does not
// help it goes back to what it had learned at the end of an epoch and learns more slowly.
#pragma once

#include <cstdint>
#include <string>

#include "gannet/io/value.h"
#include "gannet/nn/model.h"

namespace gannet {

struct TrainState;

/// Going back so often did not help: the run ends at the next time.
inline constexpr int kMostRollBacks = 3;

/// How a run has come through so far; part of its state.
struct NumericHealth {
  int bad_in_a_row = 0;  // updates left out since the last one that counted
  int roll_backs = 0;
  double lr_factor = 1;        // of every learning rate; halved by each roll-back
  std::int64_t last_bad = -1;  // iteration of the last update left out
  Value good = {};             // of `keep_good`; none: nothing to go back to
};

/// Keeps a copy of what was learned (weights, statistics, average, optimizer, loss scale) in the
/// host's memory. To be called at a boundary. A file would not do: with --nosave there is none,
/// only rank 0's machine has it, and the one of an interruption may be of any step.
void keep_good(TrainState& state);
/// To be called at the end of an epoch: after a whole one without an update left out, a learning
/// rate that was halved is doubled, up to what was planned.
void recover_rate(TrainState& state);
/// Back to that copy, with half the learning rate. Iteration and epoch go on: the batches that did
/// harm are not met again.
void roll_back(TrainState& state);

/// The loss; NaN where it is not finite. So its gradients show that too, and after they were summed
/// all ranks see it.
torch::Tensor nan_unless_finite(const torch::Tensor& loss);

/// Finds the first layer whose output is not finite.
class OutputCheck {
 public:
  explicit OutputCheck(const DetectionModel& model) : model_(model) {}
  /// For a forward pass, while this lives.
  LayerTrace trace();
  /// "the output of layer 3 (Conv)"; empty: all were finite.
  const std::string& found() const { return found_; }

 private:
  const DetectionModel& model_;
  std::string found_;
};

/// "the gradient of 'model.3.conv.weight'": the first that the backward pass came to, so the last
/// in the model's order. Empty: all are finite.
std::string find_bad_gradient(const DetectionModel& model);

}  // namespace gannet
