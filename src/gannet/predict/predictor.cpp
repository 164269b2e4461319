#include "gannet/predict/predictor.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <utility>

#include "gannet/core/stopwatch.h"
#include "gannet/ops/accelerator.h"
#include "gannet/ops/prepare.h"
#include "gannet/ops/side_by_side.h"

namespace gannet {

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

Predictor::Predictor(std::shared_ptr<const Network> network, const Placement& placement,
                     PredictOptions options)
    : network_(std::move(network)), placement_(placement), options_(std::move(options)) {}

Predictor::Predictor(DetectionModel& model, const Placement& placement, PredictOptions options)
    : network_(make_network(model, placement, options.augment)),
      placement_(placement),
      options_(std::move(options)) {}

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
  if (!options_.side_by_side || !placement_.uses_host_threads()) return network_->forward(images);
  constexpr std::int64_t kMostGroups = 16, kFewestImages = 2;
  const std::int64_t size =
      std::max(kFewestImages, (images.size(0) + kMostGroups - 1) / kMostGroups);
  const std::vector<torch::Tensor> groups = images.split(size);
  std::vector<NetworkOutput> outputs(groups.size());
  for_each_side_by_side(static_cast<int>(groups.size()), at::get_num_threads(), [&](int i) {
    const auto group = static_cast<std::size_t>(i);
    outputs[group] = network_->forward(groups[group]);
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
