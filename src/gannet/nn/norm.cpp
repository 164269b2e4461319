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
  double count = 0;                  // N
};

Statistics joint_statistics(const torch::Tensor& x, const torch::Tensor& like,
                            const NormSync& sync) {
  const ChannelSums own = channel_sums(x, x);
  const double count = sync.counts ? static_cast<double>(x.numel() / x.size(1)) : 0;
  const double weight = sync.counts ? 1 : 0;
  const auto sums =
      sync.comm.sum("norm.forward", torch::cat({own.a_C * weight, own.product_C * weight,
                                                torch::full({1}, count, own.a_C.options())}));
  const auto channels = x.size(1);
  const double total = sums[2 * channels].item<double>();
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
    context->save_for_backward({x, weight, s.mean_C, s.variance_C});
    context->saved_data["eps"] = eps;
    context->saved_data["count"] = s.count;
    context->saved_data["sync"] = reinterpret_cast<std::int64_t>(sync);
    return std::get<0>(
        at::native_batch_norm(x, weight, bias, s.mean_C, s.variance_C, false, 0, eps));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &variance = saved[3];
    const auto* sync = reinterpret_cast<const NormSync*>(context->saved_data["sync"].toInt());
    const torch::Tensor none, grad_y = grads[0].contiguous(x.suggest_memory_format());
    const double counts = sync->counts ? 1 : 0, count = context->saved_data["count"].toDouble();
    const auto inverse =
        (variance.to(torch::kFloat64) + context->saved_data["eps"].toDouble()).rsqrt();
    const ChannelSums own = channel_sums(grad_y, x);
    const auto grad_bias = own.a_C * counts;
    const auto grad_weight = (own.product_C - own.a_C * mean) * inverse * counts;
    const auto channels = x.size(1);
    const auto sums = sync->comm.sum("norm.backward", torch::cat({grad_weight, grad_bias}));
    // weight / deviation * (gradient - mean gradient - x_hat * mean of gradient times x_hat)
    const auto scale = weight * inverse;
    const auto slope = scale * inverse * sums.slice(0, 0, channels) / count;
    const auto offset = scale * sums.slice(0, channels) / count;
    const auto like = weight.scalar_type();
    const auto common = torch::addcmul(per_channel(offset.to(like)), x - per_channel(mean),
                                       per_channel(slope.to(like)));
    const auto grad_x = (grad_y * per_channel(scale.to(like)) - common) * counts;
    return {grad_x.to(x.scalar_type()), grad_weight.to(like), grad_bias.to(like), none, none, none};
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
    statistics = joint_statistics(x, weight, *sync_);
    const double momentum = options.momentum().value();
    const double unbias = statistics.count / std::max(statistics.count - 1, 1.0);
    running_mean.mul_(1 - momentum).add_(statistics.mean_C, momentum);
    running_var.mul_(1 - momentum).add_(statistics.variance_C, momentum * unbias);
    num_batches_tracked.add_(1);
  }
  return SynchronisedNorm::apply(x, weight, bias, statistics, options.eps(), sync_.get());
}

}  // namespace gannet
