#include "gannet/nn/blocks.h"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>
#include <torch/utils.h>

namespace gannet {
namespace {

std::int64_t scaled(std::int64_t channels, double factor) {
  return static_cast<std::int64_t>(static_cast<double>(channels) * factor);
}

std::shared_ptr<ConvBnAct> make_block(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                      const BlockStyle& style, std::int64_t groups = 1) {
  return std::make_shared<ConvBnAct>(
      ConvOptions{.in = in, .out = out, .kernel = square(kernel), .groups = groups}, style);
}

torch::Tensor pool(const torch::Tensor& x, std::int64_t kernel) {
  return torch::max_pool2d(x, {kernel, kernel}, {1, 1}, {kernel / 2, kernel / 2});
}

}  // namespace

void Chain::append(std::shared_ptr<UnaryBlock> block) {
  blocks_.push_back(register_module(std::to_string(blocks_.size()), std::move(block)));
}

torch::Tensor Chain::apply_to(const torch::Tensor& x) {
  auto y = x;
  for (const auto& block : blocks_) y = block->apply_to(y);
  return y;
}

Bottleneck::Bottleneck(const BottleneckOptions& o, const BlockStyle& style)
    : add_(o.shortcut && o.in == o.out) {
  const auto hidden = scaled(o.out, o.expansion);
  cv1_ = register_module("cv1", make_block(o.in, hidden, 1, style));
  cv2_ = register_module("cv2", make_block(hidden, o.out, 3, style, o.groups));
}

torch::Tensor Bottleneck::apply_to(const torch::Tensor& x) {
  return cv2_->apply_and_add(cv1_->apply_to(x), add_ ? x : torch::Tensor());
}

CrossConv::CrossConv(const CrossConvOptions& o, const BlockStyle& style)
    : add_(o.shortcut && o.in == o.out) {
  const auto hidden = scaled(o.out, o.expansion);
  cv1_ = register_module(
      "cv1",
      std::make_shared<ConvBnAct>(
          ConvOptions{.in = o.in, .out = hidden, .kernel = {1, o.kernel}, .stride = {1, o.stride}},
          style));
  cv2_ = register_module("cv2", std::make_shared<ConvBnAct>(ConvOptions{.in = hidden,
                                                                        .out = o.out,
                                                                        .kernel = {o.kernel, 1},
                                                                        .stride = {o.stride, 1},
                                                                        .groups = o.groups},
                                                            style));
}

torch::Tensor CrossConv::apply_to(const torch::Tensor& x) {
  return cv2_->apply_and_add(cv1_->apply_to(x), add_ ? x : torch::Tensor());
}

BottleneckCsp::BottleneckCsp(const CspOptions& o, const BlockStyle& style)
    : activation_(style.activation), cross_convolutions_(o.cross_convolutions) {
  const auto hidden = scaled(o.out, o.expansion);
  cv1_ = register_module("cv1", make_block(o.in, hidden, 1, style));
  cv2_ = register_module("cv2", make_conv({.in = o.in, .out = hidden}, false));
  cv3_ = register_module("cv3", make_conv({.in = hidden, .out = hidden}, false));
  cv4_ = register_module("cv4", make_block(2 * hidden, o.out, 1, style));
  bn_ = register_module("bn", Norm(norm_options(2 * hidden, style)));
  m_ = register_module("m", std::make_shared<Chain>());
  for (std::int64_t i = 0; i < o.repeats; ++i) {
    if (o.cross_convolutions) {
      m_->append(std::make_shared<CrossConv>(
          CrossConvOptions{.in = hidden, .out = hidden, .groups = o.groups, .shortcut = o.shortcut},
          style));
    } else {
      m_->append(std::make_shared<Bottleneck>(BottleneckOptions{.in = hidden,
                                                                .out = hidden,
                                                                .shortcut = o.shortcut,
                                                                .groups = o.groups,
                                                                .expansion = 1.0},
                                              style));
    }
  }
}

void BottleneckCsp::pack(torch::Dtype dtype) {
  const torch::NoGradGuard no_grad;
  const auto scale = bn_->weight / (bn_->running_var + bn_->options.eps()).sqrt();
  const auto shift = bn_->bias - scale * bn_->running_mean;
  const auto hidden = scale.size(0) / 2;
  packed_deep_ =
      pack_conv(*cv3_, scale.slice(0, 0, hidden), shift.slice(0, 0, hidden), activation_, dtype);
  packed_short_ =
      pack_conv(*cv2_, scale.slice(0, hidden), shift.slice(0, hidden), activation_, dtype);
}

torch::Tensor BottleneckCsp::apply_to(const torch::Tensor& x) {
  if (packed_deep_.defined()) {
    const auto packed_deep = packed_deep_(m_->apply_to(cv1_->apply_to(x)));
    return cv4_->apply_to(torch::cat({packed_deep, packed_short_(x)}, 1));
  }
  const auto deep = convolve(m_->apply_to(cv1_->apply_to(x)), *cv3_);
  const auto joined = torch::cat({deep, convolve(x, *cv2_)}, 1);
  return cv4_->apply_to(bn_->forward(joined, activation_));
}

C3::C3(const CspOptions& o, const BlockStyle& style) {
  const auto hidden = scaled(o.out, o.expansion);
  cv1_ = register_module("cv1", make_block(o.in, hidden, 1, style));
  cv2_ = register_module("cv2", make_block(o.in, hidden, 1, style));
  cv3_ = register_module("cv3", make_block(2 * hidden, o.out, 1, style));
  m_ = register_module("m", std::make_shared<Chain>());
  for (std::int64_t i = 0; i < o.repeats; ++i) {
    m_->append(std::make_shared<Bottleneck>(BottleneckOptions{.in = hidden,
                                                              .out = hidden,
                                                              .shortcut = o.shortcut,
                                                              .groups = o.groups,
                                                              .expansion = 1.0},
                                            style));
  }
}

torch::Tensor C3::apply_to(const torch::Tensor& x) {
  return cv3_->apply_to(torch::cat({m_->apply_to(cv1_->apply_to(x)), cv2_->apply_to(x)}, 1));
}

Spp::Spp(std::int64_t in, std::int64_t out, std::vector<std::int64_t> kernels,
         const BlockStyle& style)
    : kernels_(std::move(kernels)) {
  const auto hidden = in / 2;
  const auto joined = hidden * (static_cast<std::int64_t>(kernels_.size()) + 1);
  cv1_ = register_module("cv1", make_block(in, hidden, 1, style));
  cv2_ = register_module("cv2", make_block(joined, out, 1, style));
}

torch::Tensor Spp::apply_to(const torch::Tensor& x) {
  const auto y = cv1_->apply_to(x);
  std::vector<torch::Tensor> parts{y};
  for (const auto kernel : kernels_) parts.push_back(pool(y, kernel));
  return cv2_->apply_to(torch::cat(parts, 1));
}

Sppf::Sppf(std::int64_t in, std::int64_t out, std::int64_t kernel, const BlockStyle& style)
    : kernel_(kernel) {
  const auto hidden = in / 2;
  cv1_ = register_module("cv1", make_block(in, hidden, 1, style));
  cv2_ = register_module("cv2", make_block(hidden * 4, out, 1, style));
}

torch::Tensor Sppf::apply_to(const torch::Tensor& x) {
  const auto y = cv1_->apply_to(x);
  const auto y1 = pool(y, kernel_), y2 = pool(y1, kernel_);
  return cv2_->apply_to(torch::cat({y, y1, y2, pool(y2, kernel_)}, 1));
}

Focus::Focus(ConvOptions options, const BlockStyle& style) {
  options.in *= 4;
  conv_ = register_module("conv", std::make_shared<ConvBnAct>(options, style));
}

torch::Tensor Focus::apply_to(const torch::Tensor& x) {
  const auto even_rows = x.slice(2, 0, torch::nullopt, 2),
             odd_rows = x.slice(2, 1, torch::nullopt, 2);
  const auto phase = [](const torch::Tensor& rows, std::int64_t column) {
    return rows.slice(3, column, torch::nullopt, 2);
  };
  return conv_->apply_to(torch::cat(
      {phase(even_rows, 0), phase(odd_rows, 0), phase(even_rows, 1), phase(odd_rows, 1)}, 1));
}

std::vector<std::int64_t> MixConv::split_channels(std::int64_t in, std::int64_t out,
                                                  const std::vector<std::int64_t>& kernels,
                                                  bool equal) {
  (void)in;
  const auto groups = static_cast<std::int64_t>(kernels.size());
  std::vector<std::int64_t> shares(kernels.size(), 0);
  if (equal) {
    const auto group = torch::linspace(0, static_cast<double>(groups) - 1e-6, out, torch::kFloat32)
                           .floor()
                           .to(torch::kInt64);
    for (std::int64_t i = 0; i < out; ++i)
      ++shares[static_cast<std::size_t>(group[i].item<std::int64_t>())];
    return shares;
  }
  // Equal weight counts: share_i * k_i^2 all alike, shares summing to `out` (least squares,
  // rounded).
  auto a = torch::zeros({groups + 1, groups}, torch::kFloat64);
  for (std::int64_t i = 0; i < groups; ++i) a[i + 1][i] = 1;
  a = a - a.roll(1, 1);
  for (std::int64_t i = 0; i < groups; ++i)
    a.select(1, i).mul_(static_cast<double>(kernels[static_cast<std::size_t>(i)] *
                                            kernels[static_cast<std::size_t>(i)]));
  a[0] = 1;
  auto b = torch::zeros({groups + 1, 1}, torch::kFloat64);
  b[0] = static_cast<double>(out);
  const auto solution = torch::matmul(torch::linalg_pinv(a), b).round().to(torch::kInt64);
  for (std::int64_t i = 0; i < groups; ++i)
    shares[static_cast<std::size_t>(i)] = solution[i][0].item<std::int64_t>();
  return shares;
}

MixConv::MixConv(const ConvOptions& o, const std::vector<std::int64_t>& kernels,
                 bool equal_channels, const BlockStyle& style)
    : activation_(style.activation) {
  const auto shares = split_channels(o.in, o.out, kernels, equal_channels);
  torch::nn::ModuleList list;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    convs_.push_back(make_conv(
        {.in = o.in, .out = shares[i], .kernel = square(kernels[i]), .stride = o.stride}, false));
    list->push_back(convs_.back());
  }
  register_module("m", list);
  bn_ = register_module("bn", Norm(norm_options(o.out, style)));
}

torch::Tensor MixConv::apply_to(const torch::Tensor& x) {
  std::vector<torch::Tensor> parts;
  for (auto& conv : convs_) parts.push_back(conv->forward(x));
  const auto joined = torch::cat(parts, 1);
  const bool adds = joined.sizes() == x.sizes();  // Q59: only where the shapes agree
  return bn_->forward(joined, activation_, adds ? x : torch::Tensor());
}

GhostConv::GhostConv(const ConvOptions& options, const BlockStyle& style) {
  ConvOptions primary = options;
  primary.out = options.out / 2;
  cv1_ = register_module("cv1", std::make_shared<ConvBnAct>(primary, style));
  cv2_ = register_module("cv2",
                         std::make_shared<ConvBnAct>(ConvOptions{.in = primary.out,
                                                                 .out = primary.out,
                                                                 .kernel = square(5),
                                                                 .groups = primary.out,
                                                                 .activation = options.activation},
                                                     style));
}

torch::Tensor GhostConv::apply_to(const torch::Tensor& x) {
  const auto y = cv1_->apply_to(x);
  return torch::cat({y, cv2_->apply_to(y)}, 1);
}

GhostBottleneck::GhostBottleneck(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                 std::int64_t stride, const BlockStyle& style) {
  const auto hidden = out / 2;
  const auto depthwise = [&](std::int64_t channels) -> std::shared_ptr<UnaryBlock> {
    return make_depthwise({.in = channels,
                           .out = channels,
                           .kernel = square(kernel),
                           .stride = square(stride),
                           .activation = false},
                          style);
  };
  conv_ = register_module("conv", std::make_shared<Chain>());
  conv_->append(std::make_shared<GhostConv>(ConvOptions{.in = in, .out = hidden}, style));
  conv_->append(stride == 2 ? depthwise(hidden) : std::make_shared<Identity>());
  conv_->append(std::make_shared<GhostConv>(
      ConvOptions{.in = hidden, .out = out, .activation = false}, style));
  shortcut_ = register_module("shortcut", std::make_shared<Chain>());
  if (stride != 2) return;
  shortcut_->append(depthwise(in));
  shortcut_->append(
      std::make_shared<ConvBnAct>(ConvOptions{.in = in, .out = out, .activation = false}, style));
}

torch::Tensor GhostBottleneck::apply_to(const torch::Tensor& x) {
  return conv_->apply_to(x) + shortcut_->apply_to(x);
}

PlainConv::PlainConv(const ConvOptions& options) : options_(options) {
  weight = register_parameter("weight", torch::empty({options.out, options.in / options.groups,
                                                      options.kernel[0], options.kernel[1]}));
  bias = register_parameter("bias", torch::zeros({options.out}));
}

void PlainConv::pack(torch::Dtype dtype) {
  packed_ = {weight,
             bias,
             {.stride = options_.stride,
              .padding = options_.padding.value_or(Pair{0, 0}),
              .groups = options_.groups},
             dtype};
}

torch::Tensor PlainConv::apply_to(const torch::Tensor& x) {
  if (packed_.defined()) return packed_(x);
  const Pair padding = options_.padding.value_or(Pair{0, 0});
  return convolve(x, weight, bias, {options_.stride, padding, options_.groups});
}

PlainNorm::PlainNorm(std::int64_t channels, const BlockStyle& style)
    : norm_(norm_options(channels, style)) {
  for (auto& p : norm_.named_parameters()) register_parameter(p.key(), p.value());
  for (auto& b : norm_.named_buffers()) register_buffer(b.key(), b.value());
}

torch::Tensor PlainNorm::apply_to(const torch::Tensor& x) {
  const auto named = named_buffers(false);
  const bool takes_statistics = is_training() && !norm_.has_too_few_values(x);
  if (takes_statistics) named["num_batches_tracked"].add_(1);
  return torch::batch_norm(x, named_parameters(false)["weight"], named_parameters(false)["bias"],
                           named["running_mean"], named["running_var"], takes_statistics,
                           norm_.options.momentum().value(), norm_.options.eps(), false);
}

torch::Tensor Upsample::apply_to(const torch::Tensor& x) {
  // By factors and not to a size: what is recorded of a call (export) then holds for every size.
  const std::vector<double> factors(2, static_cast<double>(factor_));
  return mode_ == "nearest" ? torch::upsample_nearest2d(x, torch::nullopt, factors)
                            : torch::upsample_bilinear2d(x, torch::nullopt, false, factors);
}

torch::Tensor Flatten::apply_to(const torch::Tensor& x) { return x.flatten(1); }

torch::Tensor Concat::forward(const std::vector<torch::Tensor>& inputs) {
  return torch::cat(inputs, dim_);
}

Sum::Sum(std::int64_t num_inputs, bool weighted) {
  if (weighted)
    w_ = register_parameter(
        "w", -torch::arange(1.0, static_cast<double>(num_inputs), torch::kFloat32) / 2);
}

torch::Tensor Sum::forward(const std::vector<torch::Tensor>& inputs) {
  auto y = inputs.at(0);
  const auto factors = w_.defined() ? torch::sigmoid(w_) * 2 : torch::Tensor();
  for (std::size_t i = 1; i < inputs.size(); ++i)
    y = y + (factors.defined() ? inputs[i] * factors[static_cast<std::int64_t>(i) - 1] : inputs[i]);
  return y;
}

Classify::Classify(const ConvOptions& options) {
  conv_ = register_module("conv", make_conv(options, false));
}

torch::Tensor Classify::forward(const std::vector<torch::Tensor>& inputs) {
  std::vector<torch::Tensor> pooled;
  for (const auto& x : inputs) pooled.push_back(torch::adaptive_avg_pool2d(x, {1, 1}));
  return conv_->forward(torch::cat(pooled, 1)).flatten(1);
}

}  // namespace gannet
