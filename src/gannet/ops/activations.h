// Activations of the blocks, and those of the original that no shipped model uses (RB 2.3).
#pragma once

#include <torch/types.h>

namespace gannet {

enum class Activation { kNone, kLeakyRelu, kSilu };  // slope 0.1

/// Applies in place where that is safe for autograd; @return the result.
torch::Tensor activate(torch::Tensor x, Activation activation);

/// x sigmoid(x)
torch::Tensor swish(const torch::Tensor& x);
/// x clip(x + 3, 0, 6) / 6 (Howard et al. 2019)
torch::Tensor hard_swish(const torch::Tensor& x);
/// x tanh(softplus(x)) (Misra 2019)
torch::Tensor mish(const torch::Tensor& x);

}  // namespace gannet
