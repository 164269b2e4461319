#include "gannet/nn/conv.h"

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

torch::Tensor activate(torch::Tensor x, Activation activation) {
  switch (activation) {
    case Activation::kLeakyRelu:
      return torch::leaky_relu_(x, 0.1);
    case Activation::kSilu:
      return torch::GradMode::is_enabled() ? torch::silu(x) : torch::silu_(x);
    default:
      return x;
  }
}

ConvBnAct::ConvBnAct(const ConvOptions& options, const BlockStyle& style)
    : activation_(options.activation ? style.activation : Activation::kNone) {
  conv_ = register_module("conv", make_conv(options, false));
  bn_ = register_module("bn", Norm(norm_options(options.out, style)));
}

torch::Tensor ConvBnAct::apply_to(const torch::Tensor& x) {
  if (packed_.defined()) return packed_(x);
  auto y = conv_->forward(x);
  if (bn_) y = bn_->forward(y);
  return activate(y, activation_);
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
  options.activation = activation == Activation::kLeakyRelu ? PostActivation::kLeakyRelu
                       : activation == Activation::kSilu    ? PostActivation::kSilu
                                                            : PostActivation::kNone;
  return {weight, bias, options, dtype};
}

std::shared_ptr<ConvBnAct> make_depthwise(ConvOptions options, const BlockStyle& style) {
  options.groups = std::gcd(options.in, options.out);
  return std::make_shared<ConvBnAct>(options, style);
}

}  // namespace gannet
