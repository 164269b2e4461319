#include "gannet/train/layer_statistics.h"

#include <fmt/format.h>
#include <torch/types.h>

#include "gannet/core/log.h"

namespace gannet {

ValueStatistics statistics_of(const torch::Tensor& values) {
  const torch::NoGradGuard no_grad;
  if (values.numel() == 0) return {};
  const auto all = values.detach().flatten().to(torch::kFloat32);
  const auto finite = all.index({all.isfinite()});
  const auto count = static_cast<double>(all.numel());
  ValueStatistics statistics;
  statistics.zeros = all.eq(0).sum().item<double>() / count;
  statistics.not_finite = 1 - static_cast<double>(finite.numel()) / count;
  if (finite.numel() == 0) return statistics;
  statistics.mean = finite.mean().item<double>();
  statistics.deviation = finite.std(false).item<double>();
  statistics.largest = finite.abs().max().item<double>();
  return statistics;
}

std::string describe(const ValueStatistics& s) {
  return fmt::format(
      "mean {:.4g}, deviation {:.4g}, largest {:.4g}, {:.1f}% zeros, {:.1f}% not finite", s.mean,
      s.deviation, s.largest, 100 * s.zeros, 100 * s.not_finite);
}

LayerTrace log_outputs(const DetectionModel& model, const std::string& when) {
  return [&model, when](int layer, const std::vector<torch::Tensor>& outputs) {
    const std::string& module = model.plan().layers.at(static_cast<std::size_t>(layer)).module;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      log_debug("{}: layer {} ({}{}): {}", when, layer, module,
                outputs.size() > 1 ? fmt::format(", level {}", i) : "",
                describe(statistics_of(outputs[i])));
  };
}

void log_gradient_norms(const DetectionModel& model, const std::string& when) {
  for (const auto& [name, parameter] : named_parameters_in_order(model))
    if (parameter.grad().defined())
      log_debug("{}: gradient of '{}': norm {:.4g}", when, name,
                parameter.grad().norm().item<double>());
}

}  // namespace gannet
