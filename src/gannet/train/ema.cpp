#include "gannet/train/ema.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

namespace gannet {
namespace {

std::vector<torch::Tensor> floating_state(const DetectionModel& model) {
  std::vector<torch::Tensor> tensors;
  for (const auto& [name, tensor] : state_dict(model))
    if (tensor.is_floating_point()) tensors.push_back(tensor.detach());
  return tensors;
}

}  // namespace

Ema::Ema(const DetectionModel& model, EmaOptions options)
    : model_(std::make_shared<DetectionModel>(
          model.description(),
          ModelOptions{.num_classes = model.head().num_classes, .draw_weights = false})),
      options_(options) {
  const torch::NoGradGuard no_grad;
  const StateDict source = state_dict(model), target = state_dict(*model_);
  for (std::size_t i = 0; i < source.size(); ++i) {
    // Keeps the source's memory format, so that both run the same kernels.
    target[i].second.set_data(source[i].second.detach().clone());
  }
  for (auto& p : model_->parameters()) p.requires_grad_(false);
  copy_anchors(model);
  model_->eval();
}

double Ema::decay(std::int64_t updates) const {
  if (options_.tau == 0) return options_.decay;
  return options_.decay * (1 - std::exp(-static_cast<double>(updates) / options_.tau));
}

void Ema::update(const DetectionModel& model) {
  const torch::NoGradGuard no_grad;
  const double d = decay(++updates_);
  auto averages = floating_state(*model_);
  const auto values = floating_state(model);
  torch::_foreach_lerp_(averages, values, 1 - d);
}

void Ema::update_unless(const torch::Tensor& skip, const DetectionModel& model) {
  const torch::NoGradGuard no_grad;
  const double d = decay(++updates_);
  const auto past = torch::where(skip.reshape({}).ne(0), 1.0, d).to(torch::kFloat32);
  auto averages = floating_state(*model_);
  torch::_foreach_mul_(averages, past);
  torch::_foreach_add_(averages, torch::_foreach_mul(floating_state(model), 1 - past));
}

void Ema::copy_anchors(const DetectionModel& model) { model_->detect().set_anchors(model.head()); }

}  // namespace gannet
