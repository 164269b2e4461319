#include "gannet/ops/activations.h"

#include <torch/types.h>

namespace gannet {

torch::Tensor swish(const torch::Tensor& x) { return torch::silu(x); }

torch::Tensor hard_swish(const torch::Tensor& x) { return torch::hardswish(x); }

torch::Tensor mish(const torch::Tensor& x) { return torch::mish(x); }

}  // namespace gannet
