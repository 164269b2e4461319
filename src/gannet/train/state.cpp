#include "gannet/train/state.h"

#include <torch/types.h>

namespace gannet {

void mark_boundary(TrainState& state) {
  const torch::NoGradGuard no_grad;
  UpdateBoundary& boundary = state.boundary;
  boundary.iteration = state.iteration;
  boundary.progress = state.progress;
  const auto buffers = state.model->buffers();
  if (boundary.buffers.empty()) {
    for (const auto& buffer : buffers) boundary.buffers.push_back(buffer.detach().clone());
  } else {
    torch::_foreach_copy_(boundary.buffers, buffers);
  }
}

}  // namespace gannet
