// The training loss: box, objectness and class parts (RB 5.3), divided by counts over all ranks.
#pragma once

#include <torch/types.h>

#include <array>
#include <memory>
#include <vector>

#include "gannet/core/head_spec.h"
#include "gannet/dist/communicator.h"

namespace gannet {

struct LossOptions {
  double box_gain = 0.05, objectness_gain = 1.0;
  double class_gain = 0.58;  // already scaled by classes / 80
  double class_positive_weight = 1.0, objectness_positive_weight = 1.0;
  double focal_gamma = 0;
  double anchor_threshold = 4.0;
  double label_smoothing = 0;
  /// Objectness target of a match: (1 - r) + r * GIoU.
  double giou_ratio = 1.0;
};

/// `total` is what to differentiate: the sum of the parts times the number of images of the global
/// batch. `items` (4) holds this rank's share of box, objectness, class and their sum, detached, on
/// the device; the sum over ranks is the loss of the global batch.
struct LossParts {
  torch::Tensor total, items;
  std::vector<double> riders;  // summed over all ranks
};

class DetectionLoss {
 public:
  explicit DetectionLoss(LossOptions options) : options_(options) {}

  /// @param raw per level (B, A, H, W, V)   @param targets_N6 rows (image, class, cx, cy, w, h)
  /// Half-precision predictions are raised to float32. Without targets only objectness remains.
  /// @param riders numbers that travel with the one small sum over ranks that a step makes
  LossParts operator()(const std::vector<torch::Tensor>& raw, const torch::Tensor& targets_N6,
                       const HeadSpec& head, Communicator& comm,
                       const std::vector<double>& riders = {}) const;

  /// What this rank adds to the counts that the loss is divided by, without predictions: matches
  /// and cells of each level, then images.
  /// @param shape images, height and width of the network's input, px
  torch::Tensor count(const torch::Tensor& targets_N6, const std::array<std::int64_t, 3>& shape,
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
