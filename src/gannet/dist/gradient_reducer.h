// Gradient sums during the backward pass, on c10d's Reducer. Used by the process group alone.
#pragma once

#include <memory>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

#include "gannet/dist/communicator.h"

namespace gannet {

std::unique_ptr<GradientReducer> make_c10d_reducer(std::vector<torch::Tensor> parameters,
                                                   c10::intrusive_ptr<c10d::ProcessGroup> group,
                                                   GradientCompression compression);

}  // namespace gannet
