// C channels, P entries of the pattern of channels.
#include "gannet/nn/norm_act.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "gannet/nn/norm.h"
#include "gannet/ops/channel_loops.h"
#include "gannet/ops/thread_ranges.h"

namespace gannet {
namespace {

constexpr std::int64_t kLeastValuesOfPart = 32768;

ValueType type_of(const torch::Tensor& x) {
  return x.scalar_type() == torch::kBFloat16 ? ValueType::kBFloat16 : ValueType::kFloat32;
}

/// From pixel to pixel, where channels lie side by side and pixels at equal distances; else 0.
std::int64_t pixel_stride(const torch::Tensor& x) {
  const std::int64_t stride = x.stride(3), height = x.size(2), width = x.size(3);
  const bool equal = x.stride(1) == 1 && stride >= x.size(1) && x.stride(2) == width * stride &&
                     x.stride(0) == height * width * stride;
  return equal ? stride : 0;
}

/// Sums over a channel's values: of a, and of a times b.
struct ChannelSums {
  std::vector<double> a, product;
};

/// Feature maps of one shape, cut into runs for threads.
class Runs {
 public:
  /// @param gradient may be a part of the channels of another map
  explicit Runs(const torch::Tensor& x, const torch::Tensor& gradient = {})
      : pattern_(x.size(1)), type_(type_of(x)), values_(x.numel()) {
    by_pixel_ = gradient.defined() && !gradient.is_contiguous(torch::MemoryFormat::ChannelsLast) &&
                pixel_stride(gradient) > 0 && pattern_.channels % 16 == 0;
    width_ = by_pixel_ ? pattern_.channels : pattern_.length;
    const std::int64_t num_rows = (values_ + width_ - 1) / width_;
    parts_ = static_cast<int>(std::clamp<std::int64_t>(
        values_ / kLeastValuesOfPart, 1, std::min<std::int64_t>(num_thread_ranges(), num_rows)));
    rows_of_part_ = (num_rows + parts_ - 1) / parts_;
    num_rows_ = num_rows;
  }

  bool takes(const torch::Tensor& x) const {
    return by_pixel_ ? pixel_stride(x) > 0 : x.is_contiguous(torch::MemoryFormat::ChannelsLast);
  }
  Rows rows(const torch::Tensor& x) const { return {x.const_data_ptr(), stride_of(x)}; }
  WritableRows rows_of(torch::Tensor& x) const { return {x.mutable_data_ptr(), stride_of(x)}; }

  template <class Work>
  void for_each(Work work) const {
    for_each_part(parts_, [&](int index) {
      const std::int64_t first = std::min(index * rows_of_part_, num_rows_);
      work(ChannelRun{type_, first, std::min(first + rows_of_part_, num_rows_), width_, values_},
           index);
    });
  }

  /// `of(channel)` for all entries of the pattern.
  template <class Of>
  std::vector<float> table(Of of) const {
    std::vector<float> entries(static_cast<std::size_t>(pattern_.length));
    for (std::int64_t c = 0; c < pattern_.length; ++c)
      entries[static_cast<std::size_t>(c)] = static_cast<float>(
          c < pattern_.channels ? of(static_cast<std::size_t>(c))
                                : entries[static_cast<std::size_t>(c - pattern_.channels)]);
    return entries;
  }

  /// What `add(run, sum, product)` adds in all runs.
  template <class Add>
  ChannelSums sums(Add add) const {
    const auto length = static_cast<std::size_t>(pattern_.length);
    const auto channels = static_cast<std::size_t>(pattern_.channels);
    std::vector<double> memory(2 * static_cast<std::size_t>(parts_) * length);
    for_each([&](const ChannelRun& run, int index) {
      double* own = memory.data() + 2 * static_cast<std::size_t>(index) * length;
      add(run, own, own + length);
    });
    ChannelSums sums{std::vector<double>(channels), std::vector<double>(channels)};
    for (std::size_t i = 0; i < memory.size(); ++i)
      (i / length % 2 == 0 ? sums.a : sums.product)[i % length % channels] += memory[i];
    return sums;
  }

 private:
  std::int64_t stride_of(const torch::Tensor& x) const {
    return by_pixel_ ? pixel_stride(x) : width_;
  }

  ChannelPattern pattern_;
  ValueType type_;
  std::int64_t values_;
  bool by_pixel_ = false;
  std::int64_t width_ = 0, num_rows_ = 0, rows_of_part_ = 0;
  int parts_ = 1;
};

torch::Tensor side_by_side(const torch::Tensor& x) {
  return x.contiguous(torch::MemoryFormat::ChannelsLast);
}

std::vector<double> to_vector(const torch::Tensor& values) {
  const auto* first = values.const_data_ptr<double>();
  return {first, first + values.numel()};
}

/// Norm and activation by channel.
struct Scaling {
  Scaling(const Runs& runs, const torch::Tensor& weight, const torch::Tensor& bias,
          const std::vector<double>& mean, const std::vector<double>& inverse,
          Activation activation)
      : scale(runs.table(
            [&, w = weight.const_data_ptr<float>()](std::size_t c) { return w[c] * inverse[c]; })),
        shift(runs.table([&, w = weight.const_data_ptr<float>(), b = bias.const_data_ptr<float>()](
                             std::size_t c) { return b[c] - mean[c] * w[c] * inverse[c]; })),
        how{scale.data(), shift.data(), activation} {}
  std::vector<float> scale, shift;
  ScaledActivation how;
};

class NormAct : public torch::autograd::Function<NormAct> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias,
                               const std::optional<torch::Tensor>& residual,
                               const BatchStatistics& statistics, const NormActOptions& options) {
    std::vector<double> inverse = statistics.variance;
    for (double& value : inverse) value = 1 / std::sqrt(value + options.eps);
    const Runs runs(x);
    const Scaling scaling(runs, weight, bias, statistics.mean, inverse, options.activation);
    context->save_for_backward({x, weight, bias});
    context->saved_data["mean"] = statistics.mean;
    context->saved_data["inverse"] = std::move(inverse);
    context->saved_data["count"] = statistics.count;
    context->saved_data["activation"] = static_cast<std::int64_t>(options.activation);
    context->saved_data["adds"] = residual.has_value();
    context->saved_data["sync"] = reinterpret_cast<std::int64_t>(options.sync);
    auto y = torch::empty_like(x);
    const auto added = residual ? side_by_side(residual->to(x.scalar_type())) : torch::Tensor();
    const Rows in = runs.rows(x), more = residual ? runs.rows(added) : Rows();
    const WritableRows out = runs.rows_of(y);
    runs.for_each(
        [&](const ChannelRun& run, int) { apply_activation(run, scaling.how, in, more, out); });
    return y;
  }

  // With z the gradient before the activation and N values of a channel:
  // weight / deviation * (z - mean of z - x_hat * mean of z times x_hat).
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const auto mean = context->saved_data["mean"].toDoubleVector(),
               inverse = context->saved_data["inverse"].toDoubleVector();
    const auto* sync = reinterpret_cast<const NormSync*>(context->saved_data["sync"].toInt());
    auto grad_y = grads[0].to(x.scalar_type());
    const Runs runs(x, grad_y);
    if (!runs.takes(grad_y)) grad_y = side_by_side(grad_y);
    const Scaling scaling(runs, weight, bias, mean, inverse,
                          static_cast<Activation>(context->saved_data["activation"].toInt()));
    const Rows in = runs.rows(x), gradient = runs.rows(grad_y);
    const ChannelSums own = runs.sums([&](const ChannelRun& run, double* sum, double* product) {
      add_gradient_moments(run, scaling.how, in, gradient, sum, product);
    });
    const double counts = sync == nullptr || sync->counts ? 1 : 0;
    const std::size_t channels = mean.size();
    std::vector<double> sums(2 * channels);  // gradients of weight, then of bias
    for (std::size_t c = 0; c < channels; ++c) {
      sums[c] = (own.product[c] - own.a[c] * mean[c]) * inverse[c] * counts;
      sums[channels + c] = own.a[c] * counts;
    }
    const auto own_sums = torch::tensor(sums, torch::kFloat64);
    if (sync != nullptr) sums = to_vector(sync->comm.sum("norm.backward", own_sums));
    const double count = context->saved_data["count"].toDouble();
    const auto slope_of = [&, w = weight.const_data_ptr<float>()](std::size_t c) {
      return -w[c] * inverse[c] * inverse[c] * sums[c] / count;
    };
    const auto offset_of = [&, w = weight.const_data_ptr<float>()](std::size_t c) {
      return -w[c] * inverse[c] * sums[channels + c] / count - mean[c] * slope_of(c);
    };
    const auto slope = runs.table(slope_of), offset = runs.table(offset_of);
    auto grad_x = torch::empty_like(x);
    const WritableRows out = runs.rows_of(grad_x);
    runs.for_each([&](const ChannelRun& run, int) {
      apply_gradient(run, scaling.how, {slope.data(), offset.data()}, in, gradient, out);
    });
    if (counts == 0) grad_x.zero_();
    const auto parameter_grads = own_sums.to(torch::kFloat32);
    const auto half = static_cast<std::int64_t>(channels);
    const torch::Tensor none;
    return {grad_x,
            parameter_grads.slice(0, 0, half),
            parameter_grads.slice(0, half),
            context->saved_data["adds"].toBool() ? grads[0] : none,
            none,
            none};
  }
};

}  // namespace

bool can_norm_act(const torch::Tensor& x) {
  return x.is_cpu() && x.dim() == 4 && x.numel() > 0 &&
         (x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16) &&
         x.is_contiguous(torch::MemoryFormat::ChannelsLast);
}

BatchStatistics batch_statistics(const torch::Tensor& x, const NormSync* sync) {
  const Runs runs(x);
  const Rows in = runs.rows(x);
  ChannelSums sums = runs.sums([&](const ChannelRun& run, double* sum, double* product) {
    add_moments(run, in, sum, product);
  });
  const std::size_t channels = sums.a.size();
  double count = static_cast<double>(x.numel()) / static_cast<double>(channels);
  if (sync != nullptr) {
    std::vector<double> all = sums.a;
    all.insert(all.end(), sums.product.begin(), sums.product.end());
    all.push_back(count);
    all = to_vector(sync->comm.sum("norm.forward",
                                   torch::tensor(all, torch::kFloat64) * (sync->counts ? 1 : 0)));
    std::copy_n(all.begin(), channels, sums.a.begin());
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(channels), channels,
                sums.product.begin());
    count = all.back();
  }
  BatchStatistics statistics{std::move(sums.a), std::move(sums.product), count};
  for (std::size_t c = 0; c < channels; ++c) {
    double &mean = statistics.mean[c], &variance = statistics.variance[c];
    mean /= count;
    variance = std::max(variance / count - mean * mean, 0.0);
  }
  return statistics;
}

torch::Tensor norm_act(const torch::Tensor& x, const torch::Tensor& weight,
                       const torch::Tensor& bias, const torch::Tensor& residual,
                       const BatchStatistics& statistics, const NormActOptions& options) {
  const auto shortcut = residual.defined() ? std::make_optional(residual) : std::nullopt;
  return NormAct::apply(x, weight, bias, shortcut, statistics, options);
}

}  // namespace gannet
