// A convolution for inference on CPUs: weights laid out once for each shape of its input, bias and
// activation applied while the result is in registers (oneDNN post-ops, through LibTorch).
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <memory>

#include "gannet/ops/activations.h"

namespace gannet {

struct PackedConvOptions {
  std::array<std::int64_t, 2> stride{1, 1}, padding{0, 0};
  std::int64_t groups = 1;
  Activation activation = Activation::kNone;
};

class PackedConv {
 public:
  PackedConv() = default;
  /// @param weight (O, I / groups, kH, kW)   @param bias (O)
  /// @param dtype of weights, inputs and outputs: float32 or bfloat16
  PackedConv(const torch::Tensor& weight, const torch::Tensor& bias,
             const PackedConvOptions& options, torch::Dtype dtype);

  bool defined() const { return weight_.defined(); }
  /// Calls may overlap.
  /// @param x (B, I, H, W) on the CPU; another dtype is converted
  torch::Tensor operator()(const torch::Tensor& x) const;

 private:
  struct Layouts;
  torch::Tensor layout_for(const torch::Tensor& x) const;

  torch::Tensor weight_, bias_;
  std::shared_ptr<Layouts> layouts_;
  PackedConvOptions options_;
  torch::Dtype dtype_ = torch::kFloat32;
};

}  // namespace gannet
