// The training loss: box, objectness and class parts (RB 5.3, release-7.md 5.3). Each part is a
// mean, and what it is the mean of may be counted over more batches than the one at hand: counts
// in, loss out.
#pragma once

#include <torch/types.h>

#include <array>
#include <vector>

#include "gannet/core/head_spec.h"
#include "gannet/loss/assign.h"
#include "gannet/ops/boxes.h"

namespace gannet {

/// Weights of the parts and form of the cross-entropies; names and defaults of the hyperparameters
/// (RB 5.3).
struct LossOptions {
  double box_gain = 0.05, objectness_gain = 1.0;
  IouKind box_overlap = IouKind::kGiou;  // in the box part, and as objectness target
  double iou_epsilon = kIouEpsilon;
  std::vector<double> level_balance = {};  // weights of the levels' objectness; empty: all 1
  double class_gain = 0.58;                // already scaled by classes / 80
  double class_positive_weight = 1.0, objectness_positive_weight = 1.0;
  double focal_gamma = 0;          // 0: plain cross-entropy
  double anchor_threshold = 4.0;   // largest side ratio between box and anchor
  double label_smoothing = 0;      // share of a class target that the other classes get
  double overlap_ratio = 1.0;      // objectness target of a match: (1 - r) + r * overlap
  bool edges_count_twice = false;  // repeat R04
};

/// What a loss is divided by. The numbers are one row, so that counts of several batches, or of all
/// ranks, can be added: matches of each level, cells of each level, images.
struct LossCounts {
  std::vector<double> numbers;
  std::size_t levels() const { return numbers.size() / 2; }
  double matches(std::size_t level) const { return numbers[level]; }
  double cells(std::size_t level) const { return numbers[levels() + level]; }
  double images() const { return numbers.back(); }
};

/// Matches of a batch on all levels, one level after the other, and what they count.
struct LossTargets {
  LevelMatches matches;
  std::vector<std::int64_t> matches_of_level;
  torch::Tensor cell;  // (M) int64, which of the cells of all levels, in the order (B, A, H, W)
  LossCounts counts;
};

/// `total` is what to differentiate: the sum of the parts times the number of images counted.
/// `items` (4) holds box, objectness, class and their sum, detached, on the device. Over batches
/// that were counted together, both add up to those of the whole.
struct LossParts {
  torch::Tensor total, items;
};

class DetectionLoss {
 public:
  explicit DetectionLoss(LossOptions options) : options_(options) {}

  /// @param raw per level (B, A, H, W, V)
  /// @param targets_N6 rows (image, class, cx, cy, w, h), on any device: on the CPU matching waits
  /// for nothing
  LossTargets assign(const std::vector<torch::Tensor>& raw, const torch::Tensor& targets_N6,
                     const HeadSpec& head) const;

  /// The counts that `assign` would give, without predictions.
  /// @param shape images, height and width of the network's input, px
  LossCounts count(const torch::Tensor& targets_N6, const std::array<std::int64_t, 3>& shape,
                   const HeadSpec& head) const;

  /// Half-precision predictions are raised to float32. Without matches only objectness remains.
  /// @param counts of all batches that make up the loss, this one included
  LossParts operator()(const std::vector<torch::Tensor>& raw, const LossTargets& targets,
                       const LossCounts& counts) const;

  /// The loss of a batch by itself.
  LossParts operator()(const std::vector<torch::Tensor>& raw, const torch::Tensor& targets_N6,
                       const HeadSpec& head) const;

  const LossOptions& options() const { return options_; }

 private:
  LossOptions options_;
};

/// Binary cross-entropy per element with logits; focal (Lin et al. 2017) where gamma > 0.
struct BceOptions {
  double positive_weight = 1;
  double gamma = 0;
  double alpha = 0.25;
};
torch::Tensor elementwise_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets,
                                        const BceOptions& options);

/// Cross-entropy that forgives missing labels: damped where the prediction exceeds the target.
torch::Tensor blurred_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets,
                                    double alpha = 0.05);

}  // namespace gannet
