// The detection head: raw logits per level, and their decoding to boxes (RB 2.5).
#pragma once

#include <torch/types.h>

#include <vector>

#include "gannet/core/head_spec.h"
#include "gannet/nn/blocks.h"

namespace gannet {

/// Turns feature maps into raw predictions. Files of July 2020 have the output convolutions as
/// layers before it; in release 7.0 they are inside (`in_channels` given).
class Detect final : public torch::nn::Module {
 public:
  /// @param spec anchors in the order of the inputs   @param in_channels one per level, or empty
  Detect(const HeadSpec& spec, const std::vector<std::int64_t>& in_channels);

  /// @param features per level (B, C, H, W)   @return per level (B, A, H, W, classes + 5), raw
  std::vector<torch::Tensor> forward(const std::vector<torch::Tensor>& features);

  const HeadSpec& spec() const { return spec_; }
  /// Replaces the anchors and the buffers that hold them.
  void set_anchors(const HeadSpec& spec);
  /// Takes over anchors that were loaded into the buffers (from a checkpoint).
  void read_anchors_from_buffers();

 private:
  HeadSpec spec_;
  torch::Tensor anchors_;      // (L, A, 2) in cells
  torch::Tensor anchor_grid_;  // (L, 1, A, 1, 1, 2) px; July 2020 only
  std::vector<std::shared_ptr<PlainConv>> convs_;
};

/// Boxes from raw predictions, in float32 or wider (Q53): rows cx, cy, w, h px, objectness,
/// classes; levels in order, each anchor-major, then rows, then columns.
/// @param raw per level (B, A, H, W, V)   @return (B, N, V)
torch::Tensor decode(const std::vector<torch::Tensor>& raw, const HeadSpec& spec);

}  // namespace gannet
