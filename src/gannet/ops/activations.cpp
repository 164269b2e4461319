#include "gannet/ops/activations.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace gannet {

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

torch::Tensor swish(const torch::Tensor& x) { return torch::silu(x); }

torch::Tensor hard_swish(const torch::Tensor& x) { return torch::hardswish(x); }

torch::Tensor mish(const torch::Tensor& x) { return torch::mish(x); }

}  // namespace gannet
