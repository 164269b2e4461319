// The one inference path: prepare, forward, decode, suppress, back to image pixels. Evaluation,
// detection and serving all go through it.
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "gannet/data/sample/batch.h"
#include "gannet/ops/nms.h"
#include "gannet/ops/placement.h"
#include "gannet/predict/network.h"

namespace gannet {

/// How pictures go through a network, and which boxes are kept.
struct PredictOptions {
  NmsOptions nms = {};
  bool augment = false;      // see make_network
  bool with_labels = false;  // the labels of a batch are predictions too, with confidence 1
  /// On a CPU compute a few images at a time, groups side by side, each by one thread: the digits
  /// are then the same for any number of threads. For batches; a single image is faster without.
  bool side_by_side = false;
};

/// Predictions of a batch and the time they took.
struct Prediction {
  std::vector<torch::Tensor> raw;             // per level, where the network gives them
  std::vector<std::vector<ScoredBox>> boxes;  // of each image, px of the network's input
  double prepare_seconds = 0, inference_seconds = 0, nms_seconds = 0;
};

/// Predictions with a row for each label of the batch: objectness and class score 1 (7.0's
/// --save-hybrid). Images with fewer labels than others get empty rows.
/// @return (B, N + most labels of an image, V)
torch::Tensor with_labels(const torch::Tensor& decoded_BNV, const Batch& batch);

/// A network in use. Calls may overlap.
class Predictor {
 public:
  Predictor(std::shared_ptr<const Network> network, const Placement& placement,
            PredictOptions options = {});
  /// Of a model, which must be in evaluation mode on the placement's device and outlive this.
  Predictor(DetectionModel& model, const Placement& placement, PredictOptions options = {});

  Prediction predict(const Batch& batch) const;
  /// @param images (B, 3, H, W) in 0..1, as of prepare_images
  NetworkOutput forward(const torch::Tensor& images) const;

 private:
  std::shared_ptr<const Network> network_;
  Placement placement_;
  PredictOptions options_;
};

/// Detections in pixels of the original image, clipped to it.
std::vector<Detection> to_detections(const std::vector<ScoredBox>& boxes,
                                     const LetterboxRecord& letterbox,
                                     const std::vector<std::string>& names);

}  // namespace gannet
