// What all blocks are made of: the convolution with its norm and activation (RB 2.3). Child names
// are those of the original, so that state names agree.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "gannet/nn/norm.h"
#include "gannet/ops/activations.h"
#include "gannet/ops/packed_conv.h"

namespace gannet {

/// What a generation of models has in common.
struct BlockStyle {
  Activation activation = Activation::kLeakyRelu;  // slope 0.1
  double norm_eps = 1e-4;
  double norm_momentum = 0.03;
};
inline constexpr BlockStyle kStyleJuly2020{};
inline constexpr BlockStyle kStyleRelease7{Activation::kSilu, 1e-3, 0.03};

/// A layer of the graph: takes one or several feature maps (B, C, H, W), gives one.
class Block : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const std::vector<torch::Tensor>& inputs) = 0;
  torch::Tensor operator()(const torch::Tensor& x) { return forward({x}); }
};

/// A block with one input.
class UnaryBlock : public Block {
 public:
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) final {
    return apply_to(inputs.at(0));
  }
  virtual torch::Tensor apply_to(const torch::Tensor& x) = 0;
};

/// Height and width.
using Pair = std::array<std::int64_t, 2>;
constexpr Pair square(std::int64_t side) { return {side, side}; }

struct ConvOptions {
  std::int64_t in = 0, out = 0;
  Pair kernel = square(1);
  Pair stride = square(1);
  std::optional<Pair> padding = std::nullopt;  // default: kernel / 2
  std::int64_t groups = 1;
  bool activation = true;
};

/// Convolution, batch norm and activation: the one place where a fused implementation plugs in.
class ConvBnAct final : public UnaryBlock {
 public:
  ConvBnAct(const ConvOptions& options, const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override { return apply_and_add(x, {}); }
  /// With a shortcut added to the result. @param residual of its shape; may be undefined
  torch::Tensor apply_and_add(const torch::Tensor& x, const torch::Tensor& residual);
  /// Folds the norm into the convolution (groups and dilation carried over, Q45).
  void fuse();
  /// After `fuse`, for inference on a CPU: convolution and activation become one call.
  void pack(torch::Dtype dtype);
  Activation activation() const { return activation_; }

 private:
  torch::nn::Conv2d conv_{nullptr};
  Norm bn_{nullptr};
  Activation activation_;
  PackedConv packed_;
};

/// The convolution, an activation after it, for inference on a CPU.
/// @param scale, shift (O) of a norm between the two; none if undefined
PackedConv pack_conv(const torch::nn::Conv2dImpl& conv, const torch::Tensor& scale,
                     const torch::Tensor& shift, Activation activation, torch::Dtype dtype);

/// Grouped by the greatest common divisor of the channel counts.
std::shared_ptr<ConvBnAct> make_depthwise(ConvOptions options, const BlockStyle& style);

struct ConvShape {
  Pair stride = square(1), padding = square(0);
  std::int64_t groups = 1;
};

/// A convolution without dilation. In training in bfloat16 on CPUs those of 1x1 are products of
/// matrices, whose gradients take half of the time.
/// @param x (B, I, H, W)   @param weight (O, I / groups, kH, kW)   @param bias (O) or undefined
torch::Tensor convolve(const torch::Tensor& x, const torch::Tensor& weight,
                       const torch::Tensor& bias, const ConvShape& shape);
torch::Tensor convolve(const torch::Tensor& x, const torch::nn::Conv2dImpl& conv);

/// A plain convolution of LibTorch.
torch::nn::Conv2d make_conv(const ConvOptions& options, bool bias);
torch::nn::BatchNorm2dOptions norm_options(std::int64_t channels, const BlockStyle& style);

}  // namespace gannet
