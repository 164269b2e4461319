#include "gannet/ops/packed_conv.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/mkldnn_reorder_conv2d_weight.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace gannet {
namespace {

using PointwiseConvolution = at::Tensor(const at::Tensor&, const at::Tensor&,
                                        const std::optional<at::Tensor>&, at::IntArrayRef,
                                        at::IntArrayRef, at::IntArrayRef, std::int64_t,
                                        std::string_view, c10::List<std::optional<at::Scalar>>,
                                        std::optional<std::string_view>);

const c10::TypedOperatorHandle<PointwiseConvolution>& pointwise_convolution() {
  static const auto handle = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
                                 .typed<PointwiseConvolution>();
  return handle;
}

constexpr std::array<std::int64_t, 2> kDilation{1, 1};

}  // namespace

/// Weights as the kernel for a shape wants them. Made for another shape they can be laid out anew
/// in every call: 1x1 convolutions of 512 channels took ten times as long so.
struct PackedConv::Layouts {
  std::mutex mutex;
  std::map<std::vector<std::int64_t>, torch::Tensor> by_shape;
};

PackedConv::PackedConv(const torch::Tensor& weight, const torch::Tensor& bias,
                       const PackedConvOptions& options, torch::Dtype dtype)
    : weight_(weight.detach().to(dtype).contiguous()),
      bias_(bias.detach().to(dtype)),
      layouts_(std::make_shared<Layouts>()),
      options_(options),
      dtype_(dtype) {}

torch::Tensor PackedConv::layout_for(const torch::Tensor& x) const {
  constexpr std::size_t kMostShapes = 4;
  const std::vector<std::int64_t> shape = x.sizes().vec();
  const std::scoped_lock lock(layouts_->mutex);
  auto& by_shape = layouts_->by_shape;
  if (const auto found = by_shape.find(shape); found != by_shape.end()) return found->second;
  if (by_shape.size() >= kMostShapes) by_shape.clear();
  return by_shape[shape] =
             at::mkldnn_reorder_conv2d_weight(weight_.to_mkldnn(), options_.padding,
                                              options_.stride, kDilation, options_.groups, shape);
}

torch::Tensor PackedConv::operator()(const torch::Tensor& x) const {
  constexpr double kSlope = 0.1;
  c10::List<std::optional<at::Scalar>> scalars;
  std::string_view activation = "none";
  if (options_.activation == Activation::kLeakyRelu) {
    activation = "leaky_relu";
    scalars.push_back(at::Scalar(kSlope));
  } else if (options_.activation == Activation::kSilu) {
    activation = "swish";
  }
  const auto input = x.to(dtype_);
  return pointwise_convolution().call(input, layout_for(input), bias_, options_.padding,
                                      options_.stride, kDilation, options_.groups, activation,
                                      std::move(scalars), std::nullopt);
}

}  // namespace gannet
