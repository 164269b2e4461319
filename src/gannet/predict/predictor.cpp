#include "gannet/predict/predictor.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "gannet/core/numeric.h"
#include "gannet/core/stopwatch.h"
#include "gannet/ops/accelerator.h"
#include "gannet/ops/prepare.h"
#include "gannet/ops/side_by_side.h"

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

torch::Tensor with_labels(const torch::Tensor& decoded_BNV, const Batch& batch) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(batch.images));
  for (const auto& t : batch.targets) ++counts[static_cast<std::size_t>(t[0])];
  const std::int64_t most = *std::max_element(counts.begin(), counts.end());
  auto rows = torch::zeros({batch.images, most, decoded_BNV.size(2)}, torch::kFloat32);
  auto at = rows.accessor<float, 3>();
  std::fill(counts.begin(), counts.end(), 0);
  const auto width = static_cast<float>(batch.width), height = static_cast<float>(batch.height);
  for (const auto& t : batch.targets) {
    auto row = at[static_cast<std::int64_t>(t[0])][counts[static_cast<std::size_t>(t[0])]++];
    row[0] = t[2] * width;
    row[1] = t[3] * height;
    row[2] = t[4] * width;
    row[3] = t[5] * height;
    row[4] = row[5 + static_cast<std::int64_t>(t[1])] = 1;
  }
  return torch::cat({decoded_BNV, rows.to(decoded_BNV.options())}, 1);
}

namespace {

torch::Tensor joined(const std::vector<torch::Tensor>& parts) {
  return parts.size() == 1 ? parts.front() : torch::cat(parts);
}

}  // namespace

Prediction Predictor::predict(const Batch& batch) const {
  Prediction prediction;
  const Stopwatch preparing;
  const auto images = prepare_images(batch, placement_);
  finish_queued_work(placement_.device);
  prediction.prepare_seconds = preparing.seconds();
  const Stopwatch computing;
  NetworkOutput output = forward(images);
  finish_queued_work(placement_.device);  // what comes next would wait for it in any case
  prediction.inference_seconds = computing.seconds();
  const Stopwatch suppressing;
  if (options_.with_labels) output.decoded_BNV = with_labels(output.decoded_BNV, batch);
  prediction.boxes = non_max_suppression(output.decoded_BNV, options_.nms);
  prediction.nms_seconds = suppressing.seconds();
  prediction.raw = std::move(output.raw);
  return prediction;
}

// At most sixteen groups: of more than two images where a batch is large, as every group converts
// all weights under autocast.
NetworkOutput Predictor::forward(const torch::Tensor& images) const {
  if (!options_.side_by_side || !placement_.uses_host_threads()) return forward_group(images);
  constexpr std::int64_t kMostGroups = 16, kFewestImages = 2;
  const std::int64_t size =
      std::max(kFewestImages, (images.size(0) + kMostGroups - 1) / kMostGroups);
  const std::vector<torch::Tensor> groups = images.split(size);
  std::vector<NetworkOutput> outputs(groups.size());
  for_each_side_by_side(static_cast<int>(groups.size()), at::get_num_threads(), [&](int i) {
    const auto group = static_cast<std::size_t>(i);
    outputs[group] = forward_group(groups[group]);
  });
  NetworkOutput whole;
  std::vector<torch::Tensor> parts;
  for (const NetworkOutput& output : outputs) parts.push_back(output.decoded_BNV);
  whole.decoded_BNV = joined(parts);
  for (std::size_t level = 0; level < outputs.front().raw.size(); ++level) {
    parts.clear();
    for (const NetworkOutput& output : outputs) parts.push_back(output.raw[level]);
    whole.raw.push_back(joined(parts));
  }
  return whole;
}

NetworkOutput Predictor::forward_group(const torch::Tensor& images) const {
  const torch::NoGradGuard no_grad;
  const AutocastScope autocast(placement_);
  if (options_.augment) return {{}, decode_augmented(images)};
  NetworkOutput output;
  output.raw = model_.forward(images);
  output.decoded_BNV = decode(output.raw, model_.head());
  return output;
}

torch::Tensor Predictor::decode_augmented(const torch::Tensor& images) const {
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
