#include "gannet/nn/conv.h"

#include <ATen/autocast_mode.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <numeric>

namespace gannet {

torch::nn::Conv2d make_conv(const ConvOptions& o, bool bias) {
  const Pair padding = o.padding.value_or(Pair{o.kernel[0] / 2, o.kernel[1] / 2});
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(o.in, o.out, {o.kernel[0], o.kernel[1]})
                               .stride({o.stride[0], o.stride[1]})
                               .padding({padding[0], padding[1]})
                               .groups(o.groups)
                               .bias(bias));
}

torch::nn::BatchNorm2dOptions norm_options(std::int64_t channels, const BlockStyle& style) {
  return torch::nn::BatchNorm2dOptions(channels).eps(style.norm_eps).momentum(style.norm_momentum);
}

torch::Tensor convolve(const torch::Tensor& x, const torch::Tensor& weight,
                       const torch::Tensor& bias, const ConvShape& shape) {
  const bool is_product = weight.size(2) == 1 && weight.size(3) == 1 && shape.stride == square(1) &&
                          shape.padding == square(0) && shape.groups == 1;
  if (!is_product || !x.is_cpu() || !torch::GradMode::is_enabled() ||
      !at::autocast::is_autocast_enabled(at::kCPU) ||
      !x.is_contiguous(torch::MemoryFormat::ChannelsLast))
    return torch::conv2d(x, weight, bias, shape.stride, shape.padding, square(1), shape.groups);
  const std::int64_t in = x.size(1), out = weight.size(0);
  const auto pixels = x.permute({0, 2, 3, 1}).reshape({-1, in});
  return torch::linear(pixels, weight.reshape({out, in}), bias)
      .reshape({x.size(0), x.size(2), x.size(3), out})
      .permute({0, 3, 1, 2});
}

torch::Tensor convolve(const torch::Tensor& x, const torch::nn::Conv2dImpl& conv) {
  const auto& o = conv.options;
  const auto padding = std::get<torch::ExpandingArray<2>>(o.padding());
  return convolve(
      x, conv.weight, conv.bias,
      {{o.stride()->at(0), o.stride()->at(1)}, {padding->at(0), padding->at(1)}, o.groups()});
}

ConvBnAct::ConvBnAct(const ConvOptions& options, const BlockStyle& style)
    : activation_(options.activation ? style.activation : Activation::kNone) {
  conv_ = register_module("conv", make_conv(options, false));
  bn_ = register_module("bn", Norm(norm_options(options.out, style)));
}

torch::Tensor ConvBnAct::apply_and_add(const torch::Tensor& x, const torch::Tensor& residual) {
  if (bn_) return bn_->forward(convolve(x, *conv_), activation_, residual);
  const auto y = packed_.defined() ? packed_(x) : activate(conv_->forward(x), activation_);
  if (!residual.defined()) return y;
  return torch::GradMode::is_enabled() ? residual + y : y.add_(residual);
}

void ConvBnAct::fuse() {
  if (!bn_) return;
  const torch::NoGradGuard no_grad;
  const auto factor = bn_->weight / (bn_->running_var + bn_->options.eps()).sqrt();
  const auto& o = conv_->options;
  torch::nn::Conv2d folded(
      torch::nn::Conv2dOptions(o.in_channels(), o.out_channels(), o.kernel_size())
          .stride(o.stride())
          .padding(o.padding())
          .dilation(o.dilation())
          .groups(o.groups()));
  folded->weight.set_data(conv_->weight * factor.reshape({-1, 1, 1, 1}));
  folded->bias.set_data(bn_->bias - factor * bn_->running_mean);
  conv_ = replace_module("conv", folded);
  unregister_module("bn");
  bn_ = nullptr;
}

void ConvBnAct::pack(torch::Dtype dtype) {
  packed_ = pack_conv(*conv_, {}, {}, activation_, dtype);
}

PackedConv pack_conv(const torch::nn::Conv2dImpl& conv, const torch::Tensor& scale,
                     const torch::Tensor& shift, Activation activation, torch::Dtype dtype) {
  const torch::NoGradGuard no_grad;
  auto weight = conv.weight;
  auto bias = conv.bias.defined() ? conv.bias : torch::zeros({weight.size(0)}, weight.options());
  if (scale.defined()) {
    weight = weight * scale.reshape({-1, 1, 1, 1});
    bias = bias * scale + shift;
  }
  const auto& o = conv.options;
  const auto padding = std::get<torch::ExpandingArray<2>>(o.padding());
  PackedConvOptions options;
  options.stride = {o.stride()->at(0), o.stride()->at(1)};
  options.padding = {padding->at(0), padding->at(1)};
  options.groups = o.groups();
  options.activation = activation;
  return {weight, bias, options, dtype};
}

std::shared_ptr<ConvBnAct> make_depthwise(ConvOptions options, const BlockStyle& style) {
  options.groups = std::gcd(options.in, options.out);
  return std::make_shared<ConvBnAct>(options, style);
}

}  // namespace gannet
