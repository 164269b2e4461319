// The one inference path: prepare, forward, decode, suppress, back to image pixels. Evaluation,
// detection and serving all go through it.
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "gannet/data/sample/batch.h"
#include "gannet/nn/model.h"
#include "gannet/ops/nms.h"
#include "gannet/ops/placement.h"

namespace gannet {

/// Bytes of a batch as (B, 3, H, W) in 0..1 on the device, in the placement's dtype and layout.
torch::Tensor prepare_images(const Batch& batch, const Placement& placement);
/// Targets of a batch as (N, 6) on the device.
torch::Tensor prepare_targets(const Batch& batch, const Placement& placement);

/// Predictions of a batch and the time they took.
struct Prediction {
  std::vector<torch::Tensor> raw;  // per level; empty with test-time augmentation
  torch::Tensor decoded_BNV;       // px of the network's input
  double seconds = 0;
};

class Predictor {
 public:
  /// The model is used as it is and must be in evaluation mode, on the placement's device.
  Predictor(DetectionModel& model, Placement placement) : model_(model), placement_(placement) {}

  /// @param augment three passes (original, flipped at 0.83, at 0.67), rows concatenated (RB 2.7)
  Prediction predict(const torch::Tensor& images, bool augment = false) const;

  const Placement& placement() const { return placement_; }
  DetectionModel& model() const { return model_; }

 private:
  torch::Tensor predict_augmented(const torch::Tensor& images) const;

  DetectionModel& model_;
  Placement placement_;
};

/// Detections in pixels of the original image, clipped to it.
std::vector<Detection> to_detections(const std::vector<ScoredBox>& boxes,
                                     const LetterboxRecord& letterbox,
                                     const std::vector<std::string>& names);

}  // namespace gannet
