#include "gannet/predict/predictor.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <chrono>
#include <cmath>

#include "gannet/core/numeric.h"

namespace gannet {
namespace {

constexpr double kPadValue = 0.447;  // mean of ImageNet, what the original pads scaled copies with

// Bilinear resize by a ratio, then padding right and below to a multiple of 32 of the exact size.
torch::Tensor scale_images(const torch::Tensor& images, double ratio) {
  if (ratio == 1) return images;
  const auto height = static_cast<double>(images.size(2)),
             width = static_cast<double>(images.size(3));
  const auto new_height = static_cast<std::int64_t>(height * ratio),
             new_width = static_cast<std::int64_t>(width * ratio);
  const auto resized = torch::upsample_bilinear2d(images, {new_height, new_width}, false);
  const std::int64_t padded_height = ceil_to_multiple(height * ratio, 32),
                     padded_width = ceil_to_multiple(width * ratio, 32);
  return torch::constant_pad_nd(
      resized, {0, padded_width - new_width, 0, padded_height - new_height}, kPadValue);
}

}  // namespace

torch::Tensor prepare_images(const Batch& batch, const Placement& placement) {
  const auto bytes = torch::from_blob(batch.pixels.get(),
                                      {batch.images, batch.height, batch.width, 3}, torch::kUInt8);
  const auto images = bytes.permute({0, 3, 1, 2}).to(placement.device);  // channels-last strides
  return images.to(placement.parameters).div_(255).contiguous(placement.memory_format);
}

torch::Tensor prepare_targets(const Batch& batch, const Placement& placement) {
  const auto rows = static_cast<std::int64_t>(batch.targets.size());
  if (rows == 0)
    return torch::zeros({0, 6}, torch::TensorOptions(placement.device).dtype(torch::kFloat32));
  const auto view = torch::from_blob(const_cast<float*>(batch.targets.front().data()), {rows, 6},
                                     torch::kFloat32);
  return view.to(placement.device, torch::kFloat32, false, true);
}

Prediction Predictor::predict(const torch::Tensor& images, bool augment) const {
  const torch::NoGradGuard no_grad;
  const AutocastScope autocast(placement_);
  const auto start = std::chrono::steady_clock::now();
  Prediction prediction;
  if (augment) {
    prediction.decoded_BNV = predict_augmented(images);
  } else {
    prediction.raw = model_.forward(images);
    prediction.decoded_BNV = decode(prediction.raw, model_.head());
  }
  prediction.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return prediction;
}

torch::Tensor Predictor::predict_augmented(const torch::Tensor& images) const {
  struct Pass {
    double ratio;
    bool flip;
  };
  constexpr Pass kPasses[] = {{1, false}, {0.83, true}, {0.67, false}};
  std::vector<torch::Tensor> rows;
  for (const Pass& pass : kPasses) {
    const auto view = scale_images(pass.flip ? images.flip(3) : images, pass.ratio)
                          .contiguous(placement_.memory_format);
    const auto decoded = decode(model_.forward(view), model_.head());
    auto boxes = decoded.slice(2, 0, 4) / pass.ratio;
    if (pass.flip) boxes.select(2, 0).neg_().add_(static_cast<double>(images.size(3)));
    rows.push_back(torch::cat({boxes, decoded.slice(2, 4)}, 2));
  }
  return torch::cat(rows, 1);
}

std::vector<Detection> to_detections(const std::vector<ScoredBox>& boxes,
                                     const LetterboxRecord& letterbox,
                                     const std::vector<std::string>& names) {
  std::vector<Detection> detections;
  for (const ScoredBox& b : boxes) {
    const auto id = static_cast<std::size_t>(b.class_id);
    detections.push_back({to_original(b.box, letterbox), b.score, b.class_id,
                          id < names.size() ? names[id] : std::to_string(id)});
  }
  return detections;
}

}  // namespace gannet
