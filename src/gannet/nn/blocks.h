// The building blocks of the detectors (RB 2.3), both of July 2020 and of release 7.0. Child names
// are those of the original, so that state names agree.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "gannet/nn/conv.h"
#include "gannet/nn/norm.h"

namespace gannet {

/// Blocks one after another under the names 0, 1, ...
class Chain final : public UnaryBlock {
 public:
  void append(std::shared_ptr<UnaryBlock> block);
  torch::Tensor apply_to(const torch::Tensor& x) override;

 private:
  std::vector<std::shared_ptr<UnaryBlock>> blocks_;
};

/// @param groups of the second convolution   @param expansion hidden over output channels
struct BottleneckOptions {
  std::int64_t in = 0, out = 0;
  bool shortcut = true;
  std::int64_t groups = 1;
  double expansion = 0.5;
};

/// A 1x1 and a 3x3 convolution, with the input added where the shapes agree (He et al. 2015).
class Bottleneck final : public UnaryBlock {
 public:
  Bottleneck(const BottleneckOptions& options, const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override;
  bool adds() const { return add_; }

 private:
  std::shared_ptr<ConvBnAct> cv1_, cv2_;
  bool add_;
};

/// As for a bottleneck, with a kernel of k.
struct CrossConvOptions {
  std::int64_t in = 0, out = 0, kernel = 3, stride = 1, groups = 1;
  double expansion = 1.0;
  bool shortcut = false;
};

/// A 1 x k and a k x 1 convolution instead of k x k.
class CrossConv final : public UnaryBlock {
 public:
  CrossConv(const CrossConvOptions& options, const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override;
  bool adds() const { return add_; }

 private:
  std::shared_ptr<ConvBnAct> cv1_, cv2_;
  bool add_;
};

/// @param repeats of the inner block   @param expansion hidden over output channels
struct CspOptions {
  std::int64_t in = 0, out = 0, repeats = 1;
  bool shortcut = true;
  std::int64_t groups = 1;
  double expansion = 0.5;
  bool cross_convolutions = false;  // the C3 of July 2020
};

/// Cross-stage partial block (Wang et al. 2019, arXiv:1911.11929) of July 2020.
class BottleneckCsp final : public UnaryBlock {
 public:
  BottleneckCsp(const CspOptions& options, const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override;
  Activation activation() const { return activation_; }
  bool has_cross_convolutions() const { return cross_convolutions_; }
  /// For inference on a CPU: the norm over both joined parts goes into the convolution of each.
  void pack(torch::Dtype dtype);

 private:
  std::shared_ptr<ConvBnAct> cv1_, cv4_;
  torch::nn::Conv2d cv2_{nullptr}, cv3_{nullptr};
  Norm bn_{nullptr};
  std::shared_ptr<Chain> m_;
  PackedConv packed_deep_, packed_short_;
  Activation activation_;
  bool cross_convolutions_;
};

/// CSP block with three convolutions, of release 7.0.
class C3 final : public UnaryBlock {
 public:
  C3(const CspOptions& options, const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override;

 private:
  std::shared_ptr<ConvBnAct> cv1_, cv2_, cv3_;
  std::shared_ptr<Chain> m_;
};

/// Spatial pyramid pooling (He et al. 2014): pools of several sizes side by side.
class Spp final : public UnaryBlock {
 public:
  Spp(std::int64_t in, std::int64_t out, std::vector<std::int64_t> kernels,
      const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override;
  const std::vector<std::int64_t>& kernels() const { return kernels_; }

 private:
  std::shared_ptr<ConvBnAct> cv1_, cv2_;
  std::vector<std::int64_t> kernels_;
};

/// Three equal pools in sequence: the same receptive fields as Spp for less work.
class Sppf final : public UnaryBlock {
 public:
  Sppf(std::int64_t in, std::int64_t out, std::int64_t kernel, const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override;
  std::int64_t kernel() const { return kernel_; }

 private:
  std::shared_ptr<ConvBnAct> cv1_, cv2_;
  std::int64_t kernel_;
};

/// Moves the four phases of each 2x2 cell into channels, then convolves.
class Focus final : public UnaryBlock {
 public:
  Focus(ConvOptions options, const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override;

 private:
  std::shared_ptr<ConvBnAct> conv_;
};

/// Convolutions of several kernel sizes on shares of the output channels (Tan and Le 2019).
class MixConv final : public UnaryBlock {
 public:
  MixConv(const ConvOptions& options, const std::vector<std::int64_t>& kernels, bool equal_channels,
          const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override;
  /// Output channels of each kernel size.
  static std::vector<std::int64_t> split_channels(std::int64_t in, std::int64_t out,
                                                  const std::vector<std::int64_t>& kernels,
                                                  bool equal);
  Activation activation() const { return activation_; }

 private:
  std::vector<torch::nn::Conv2d> convs_;
  Norm bn_{nullptr};
  Activation activation_;
};

/// Half of the channels by a convolution, the other half from those by a cheap one (Han et al.
/// 2020).
class GhostConv final : public UnaryBlock {
 public:
  GhostConv(const ConvOptions& options, const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override;

 private:
  std::shared_ptr<ConvBnAct> cv1_, cv2_;
};

/// Two ghost convolutions, between them a depthwise one where the stride is 2 (Han et al. 2020).
class GhostBottleneck final : public UnaryBlock {
 public:
  GhostBottleneck(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                  const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override;

 private:
  std::shared_ptr<Chain> conv_, shortcut_;
};

/// A plain convolution with bias, under the names weight and bias.
class PlainConv final : public UnaryBlock {
 public:
  explicit PlainConv(const ConvOptions& options);
  torch::Tensor apply_to(const torch::Tensor& x) override;
  const ConvOptions& options() const { return options_; }
  void pack(torch::Dtype dtype);

  torch::Tensor weight, bias;

 private:
  ConvOptions options_;
  PackedConv packed_;
};

/// Batch norm as a layer of its own, with the state names of one.
class PlainNorm final : public UnaryBlock {
 public:
  PlainNorm(std::int64_t channels, const BlockStyle& style);
  torch::Tensor apply_to(const torch::Tensor& x) override;
  NormImpl& norm() { return norm_; }
  const NormImpl& norm() const { return norm_; }

 private:
  NormImpl norm_;
};

/// Enlarges height and width by a whole factor. @param mode of interpolation, as LibTorch names it
class Upsample final : public UnaryBlock {
 public:
  Upsample(std::int64_t factor, std::string mode) : factor_(factor), mode_(std::move(mode)) {}
  torch::Tensor apply_to(const torch::Tensor& x) override;
  std::int64_t factor() const { return factor_; }
  const std::string& mode() const { return mode_; }

 private:
  std::int64_t factor_;
  std::string mode_;
};

/// Its input.
class Identity final : public UnaryBlock {
 public:
  torch::Tensor apply_to(const torch::Tensor& x) override { return x; }
};

/// (B, C, H, W) to (B, C * H * W).
class Flatten final : public UnaryBlock {
 public:
  torch::Tensor apply_to(const torch::Tensor& x) override;
};

/// Inputs one after another along a dimension.
class Concat final : public Block {
 public:
  explicit Concat(std::int64_t dim) : dim_(dim) {}
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override;
  std::int64_t dim() const { return dim_; }

 private:
  std::int64_t dim_;
};

/// x0 + x1 + ..., optionally with learnt weights 2 sigmoid(w) from the second input on.
class Sum final : public Block {
 public:
  Sum(std::int64_t num_inputs, bool weighted);
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override;

 private:
  torch::Tensor w_;
};

/// Global pooling and a convolution: class logits from one or several feature maps.
class Classify final : public Block {
 public:
  explicit Classify(const ConvOptions& options);
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) override;

 private:
  torch::nn::Conv2d conv_{nullptr};
};

}  // namespace gannet
