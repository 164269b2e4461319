#include "gannet/nn/detect.h"

#include <torch/nn/modules/container/modulelist.h>
#include <torch/types.h>
#include <torch/utils.h>

namespace gannet {
namespace {

// (L, A, 2) px
torch::Tensor anchors_px(const HeadSpec& spec) {
  auto px = torch::empty({spec.num_levels(), spec.anchors_per_level(), 2}, torch::kFloat32);
  auto values = px.accessor<float, 3>();
  for (int l = 0; l < spec.num_levels(); ++l) {
    for (int a = 0; a < spec.anchors_per_level(); ++a) {
      for (int side = 0; side < 2; ++side)
        values[l][a][side] =
            spec.anchors_px[static_cast<std::size_t>(l)][static_cast<std::size_t>(a)]
                           [static_cast<std::size_t>(side)];
    }
  }
  return px;
}

torch::Tensor strides_of(const HeadSpec& spec) {
  return torch::tensor(spec.strides, torch::kFloat64).to(torch::kFloat32).reshape({-1, 1, 1});
}

}  // namespace

Detect::Detect(const HeadSpec& spec, const std::vector<std::int64_t>& in_channels) : spec_(spec) {
  const auto px = anchors_px(spec_);
  anchors_ = register_buffer("anchors", px / strides_of(spec_));
  if (in_channels.empty()) {
    anchor_grid_ =
        register_buffer("anchor_grid", px.reshape({spec_.num_levels(), 1, -1, 1, 1, 2}).clone());
    return;
  }
  torch::nn::ModuleList list;
  for (const auto channels : in_channels) {
    convs_.push_back(std::make_shared<PlainConv>(
        ConvOptions{.in = channels,
                    .out = std::int64_t{spec_.anchors_per_level()} * spec_.values_per_anchor()}));
    list->push_back(convs_.back());
  }
  register_module("m", list);
}

std::vector<torch::Tensor> Detect::forward(const std::vector<torch::Tensor>& features) {
  std::vector<torch::Tensor> raw;
  const auto anchors = spec_.anchors_per_level(), values = spec_.values_per_anchor();
  for (std::size_t l = 0; l < features.size(); ++l) {
    const auto x = convs_.empty() ? features[l] : convs_[l]->apply_to(features[l]);
    raw.push_back(x.unflatten(1, {anchors, values}).permute({0, 1, 3, 4, 2}));
  }
  return raw;
}

void Detect::set_anchors(const HeadSpec& spec) {
  const torch::NoGradGuard no_grad;
  spec_.anchors_px = spec.anchors_px;
  const auto px = anchors_px(spec_);
  anchors_.copy_(px / strides_of(spec_));
  if (anchor_grid_.defined()) anchor_grid_.copy_(px.reshape({spec_.num_levels(), 1, -1, 1, 1, 2}));
}

void Detect::read_anchors_from_buffers() {
  const auto px = (anchors_.to(torch::kCPU, torch::kFloat32) * strides_of(spec_)).contiguous();
  const auto values = px.accessor<float, 3>();
  for (int l = 0; l < spec_.num_levels(); ++l) {
    for (int a = 0; a < spec_.anchors_per_level(); ++a)
      spec_.anchors_px[static_cast<std::size_t>(l)][static_cast<std::size_t>(a)] = {
          values[l][a][0], values[l][a][1]};
  }
}

torch::Tensor decode(const std::vector<torch::Tensor>& raw, const HeadSpec& spec) {
  std::vector<torch::Tensor> rows;
  for (std::size_t l = 0; l < raw.size(); ++l) {
    auto y = raw[l];
    if (y.scalar_type() == torch::kBFloat16 || y.scalar_type() == torch::kFloat16)
      y = y.to(torch::kFloat32);
    y = y.sigmoid();
    const auto height = y.size(2), width = y.size(3);
    const auto gy = torch::arange(height, y.options()).reshape({height, 1}).expand({height, width});
    const auto gx = torch::arange(width, y.options()).reshape({1, width}).expand({height, width});
    const auto grid = torch::stack({gx, gy}, -1);  // (H, W, 2)
    std::vector<float> sides;
    for (const auto& anchor : spec.anchors_px[l])
      sides.insert(sides.end(), anchor.begin(), anchor.end());
    const auto anchor_px = torch::tensor(sides).to(y.options()).reshape({1, -1, 1, 1, 2});
    const auto xy = (y.slice(-1, 0, 2) * 2 - 0.5 + grid) * spec.strides[l];
    const auto wh = (y.slice(-1, 2, 4) * 2).square() * anchor_px;
    rows.push_back(torch::cat({xy, wh, y.slice(-1, 4)}, -1).reshape({y.size(0), -1, y.size(4)}));
  }
  return torch::cat(rows, 1);
}

}  // namespace gannet
