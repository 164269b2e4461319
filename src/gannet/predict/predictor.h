// The one inference path: prepare, forward, decode, suppress, back to image pixels. Evaluation,
// detection and serving all go through it.
#pragma once

#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

#include "gannet/data/sample/batch.h"
#include "gannet/nn/model.h"
#include "gannet/ops/nms.h"
#include "gannet/ops/placement.h"

namespace gannet {

/// How pictures go through the network, and which boxes are kept.
struct PredictOptions {
  NmsOptions nms = {};
  bool augment =
      false;  // three passes (original, flipped at 0.83, at 0.67), rows together (RB 2.7)
  bool with_labels = false;  // the labels of a batch are predictions too, with confidence 1
  /// On a CPU compute a few images at a time, groups side by side, each by one thread: the digits
  /// are then the same for any number of threads. For batches; a single image is faster without.
  bool side_by_side = false;
};

/// What the network says of images, before suppression.
struct NetworkOutput {
  std::vector<torch::Tensor> raw;  // per level; empty with test-time augmentation
  torch::Tensor decoded_BNV;       // px of the network's input
};

/// Predictions of a batch and the time they took.
struct Prediction {
  std::vector<torch::Tensor> raw;             // per level; empty with test-time augmentation
  std::vector<std::vector<ScoredBox>> boxes;  // of each image, px of the network's input
  double prepare_seconds = 0, inference_seconds = 0, nms_seconds = 0;
};

/// Predictions with a row for each label of the batch: objectness and class score 1 (7.0's
/// --save-hybrid). Images with fewer labels than others get empty rows.
/// @return (B, N + most labels of an image, V)
torch::Tensor with_labels(const torch::Tensor& decoded_BNV, const Batch& batch);

/// A model in use.
class Predictor {
 public:
  /// The model is used as it is and must be in evaluation mode, on the placement's device.
  Predictor(DetectionModel& model, Placement placement, PredictOptions options = {})
      : model_(model), placement_(placement), options_(std::move(options)) {}

  Prediction predict(const Batch& batch) const;
  /// @param images (B, 3, H, W) in 0..1, as of prepare_images
  NetworkOutput forward(const torch::Tensor& images) const;

  const Placement& placement() const { return placement_; }
  DetectionModel& model() const { return model_; }

 private:
  NetworkOutput forward_group(const torch::Tensor& images) const;
  torch::Tensor decode_augmented(const torch::Tensor& images) const;

  DetectionModel& model_;
  Placement placement_;
  PredictOptions options_;
};

/// Detections in pixels of the original image, clipped to it.
std::vector<Detection> to_detections(const std::vector<ScoredBox>& boxes,
                                     const LetterboxRecord& letterbox,
                                     const std::vector<std::string>& names);

}  // namespace gannet
