// Between plain tensors of files and tensors that compute.
#pragma once

#include <torch/types.h>

#include "gannet/io/tensor_data.h"

namespace gannet {

/// A CPU tensor with its own memory.
torch::Tensor to_tensor(const TensorData& data);

/// A plain copy of a tensor, on the CPU and row-major.
TensorData to_tensor_data(const torch::Tensor& tensor);

}  // namespace gannet
