// C channels, N values of a channel over all ranks.
#include "gannet/nn/norm.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <vector>

#include "gannet/nn/norm_act.h"

namespace gannet {
namespace {

/// Sums over a channel's values: of a, and of a times b.
struct ChannelSums {
  torch::Tensor a_C, product_C;  // float64
};

ChannelSums channel_sums(const torch::Tensor& a, const torch::Tensor& b) {
  const auto a64 = a.to(torch::kFloat64);
  return {a64.sum({0, 2, 3}), (a64 * b.to(torch::kFloat64)).sum({0, 2, 3})};
}

struct Statistics {
  torch::Tensor mean_C, variance_C;  // biased, in the dtype of the parameters
  torch::Tensor count;               // N, float64; no host waits to read it
};

/// GPUs have kernels for the parts of a synchronised norm, whose sums are in float32.
bool has_kernels(const torch::Tensor& x) { return x.is_cuda(); }

ChannelSums sums_for_statistics(const torch::Tensor& x, double eps) {
  if (!has_kernels(x)) return channel_sums(x, x);
  const auto [mean, inverse] = at::batch_norm_stats(x, eps);
  const auto mean64 = mean.to(torch::kFloat64);
  const auto square = inverse.to(torch::kFloat64).square().reciprocal() - eps + mean64.square();
  const auto count = static_cast<double>(x.numel() / x.size(1));
  return {mean64 * count, square * count};
}

Statistics joint_statistics(const torch::Tensor& x, const torch::Tensor& like, double eps,
                            const NormSync& sync) {
  const ChannelSums own = sums_for_statistics(x, eps);
  const double count = sync.counts ? static_cast<double>(x.numel() / x.size(1)) : 0;
  const double weight = sync.counts ? 1 : 0;
  const auto sums =
      sync.comm.sum("norm.forward", torch::cat({own.a_C * weight, own.product_C * weight,
                                                torch::full({1}, count, own.a_C.options())}));
  const auto channels = x.size(1);
  const auto total = sums[2 * channels];
  const auto mean = sums.slice(0, 0, channels) / total;
  const auto variance =
      (sums.slice(0, channels, 2 * channels) / total - mean.square()).clamp_min(0);
  return {mean.to(like.scalar_type()), variance.to(like.scalar_type()), total};
}

torch::Tensor per_channel(const torch::Tensor& values) { return values.reshape({1, -1, 1, 1}); }

/// Normalises with given statistics; the gradient counts that they depend on all ranks' inputs.
class SynchronisedNorm : public torch::autograd::Function<SynchronisedNorm> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias,
                               const Statistics& s, double eps, const NormSync* sync) {
    context->save_for_backward({x, weight, s.mean_C, s.variance_C, s.count});
    context->saved_data["eps"] = eps;
    context->saved_data["sync"] = reinterpret_cast<std::int64_t>(sync);
    return std::get<0>(
        at::native_batch_norm(x, weight, bias, s.mean_C, s.variance_C, false, 0, eps));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const Saved saved(*context);
    const auto grad_y = grads[0].contiguous(saved.x.suggest_memory_format());
    const auto [grad_x, grad_weight, grad_bias] = has_kernels(saved.x)
                                                      ? gradients_by_kernels(saved, grad_y)
                                                      : gradients_in_double(saved, grad_y);
    const torch::Tensor none;
    return {grad_x, grad_weight, grad_bias, none, none, none};
  }

 private:
  struct Saved {
    explicit Saved(torch::autograd::AutogradContext& context) {
      const auto tensors = context.get_saved_variables();
      x = tensors[0], weight = tensors[1], mean = tensors[2], count = tensors[4];
      sync = reinterpret_cast<const NormSync*>(context.saved_data["sync"].toInt());
      inverse = (tensors[3].to(torch::kFloat64) + context.saved_data["eps"].toDouble()).rsqrt();
    }
    torch::Tensor x, weight, mean, inverse, count;
    const NormSync* sync;
  };
  struct Gradients {
    torch::Tensor x, weight, bias;
  };

  static Gradients gradients_by_kernels(const Saved& s, const torch::Tensor& grad_y) {
    const auto inverse = s.inverse.to(s.mean.scalar_type());
    const auto [own, own_product, grad_weight, grad_bias] =
        at::batch_norm_backward_reduce(grad_y, s.x, s.mean, inverse, s.weight, true, true, true);
    const double counts = s.sync->counts ? 1 : 0;
    const auto sums = s.sync->comm.sum("norm.backward", torch::stack({own, own_product}) * counts);
    const auto grad_x =
        at::batch_norm_backward_elemt(grad_y, s.x, s.mean, inverse, s.weight, sums[0], sums[1],
                                      s.count.to(torch::kInt32).reshape({1}));
    if (!s.sync->counts) return {torch::zeros_like(s.x), grad_weight * 0, grad_bias * 0};
    return {grad_x, grad_weight, grad_bias};
  }

  static Gradients gradients_in_double(const Saved& s, const torch::Tensor& grad_y) {
    const double counts = s.sync->counts ? 1 : 0;
    const ChannelSums own = channel_sums(grad_y, s.x);
    const auto grad_bias = own.a_C * counts;
    const auto grad_weight = (own.product_C - own.a_C * s.mean) * s.inverse * counts;
    const auto channels = s.x.size(1);
    const auto sums = s.sync->comm.sum("norm.backward", torch::cat({grad_weight, grad_bias}));
    // weight / deviation * (gradient - mean gradient - x_hat * mean of gradient times x_hat)
    const auto scale = s.weight * s.inverse;
    const auto slope = scale * s.inverse * sums.slice(0, 0, channels) / s.count;
    const auto offset = scale * sums.slice(0, channels) / s.count;
    const auto like = s.weight.scalar_type();
    const auto common = torch::addcmul(per_channel(offset.to(like)), s.x - per_channel(s.mean),
                                       per_channel(slope.to(like)));
    const auto grad_x = (grad_y * per_channel(scale.to(like)) - common) * counts;
    return {grad_x.to(s.x.scalar_type()), grad_weight.to(like), grad_bias.to(like)};
  }
};

}  // namespace

torch::Tensor NormImpl::forward(const torch::Tensor& x, Activation activation,
                                const torch::Tensor& residual) {
  const auto then = [&](const torch::Tensor& y) {
    const auto activated = activate(y, activation);
    return residual.defined() ? residual + activated : activated;
  };
  if (!is_training()) return then(torch::nn::BatchNorm2dImpl::forward(x));
  if (!sync_ && has_too_few_values(x)) return then(forward_running(x));
  if (can_norm_act(x) && weight.scalar_type() == torch::kFloat32)
    return forward_in_one(x, activation, residual);
  return then(sync_ ? forward_synchronised(x) : torch::nn::BatchNorm2dImpl::forward(x));
}

torch::Tensor NormImpl::forward_in_one(const torch::Tensor& x, Activation activation,
                                       const torch::Tensor& residual) {
  const BatchStatistics statistics = batch_statistics(x, sync_.get());
  const double momentum = options.momentum().value();
  const double unbias = statistics.count / std::max(statistics.count - 1, 1.0);
  const auto update = [&](torch::Tensor& running, const std::vector<double>& values,
                          double factor) {
    auto* average = running.mutable_data_ptr<float>();
    for (std::size_t c = 0; c < values.size(); ++c)
      average[c] = static_cast<float>((1 - momentum) * average[c] + momentum * factor * values[c]);
  };
  update(running_mean, statistics.mean, 1);
  update(running_var, statistics.variance, unbias);
  ++*num_batches_tracked.mutable_data_ptr<std::int64_t>();
  return norm_act(x, weight, bias, residual, statistics, {options.eps(), activation, sync_.get()});
}

torch::Tensor NormImpl::forward_running(const torch::Tensor& x) const {
  return torch::batch_norm(x, weight, bias, running_mean, running_var, false,
                           options.momentum().value(), options.eps(), false);
}

torch::Tensor NormImpl::forward_synchronised(const torch::Tensor& x) {
  Statistics statistics;
  {
    const torch::NoGradGuard no_grad;
    statistics = joint_statistics(x, weight, options.eps(), *sync_);
    const double momentum = options.momentum().value();
    const auto unbias = statistics.count / (statistics.count - 1).clamp_min(1);
    running_mean.mul_(1 - momentum).add_(statistics.mean_C, momentum);
    running_var.mul_(1 - momentum).add_(statistics.variance_C * unbias, momentum);
    num_batches_tracked.add_(1);
  }
  return SynchronisedNorm::apply(x, weight, bias, statistics, options.eps(), sync_.get());
}

}  // namespace gannet
