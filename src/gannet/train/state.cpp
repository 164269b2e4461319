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

void return_to_boundary(const TrainState& state) {
  const torch::NoGradGuard no_grad;
  auto buffers = state.model->buffers();
  torch::_foreach_copy_(buffers, state.boundary.buffers);
}

void return_to_boundary_where(const torch::Tensor& found, const TrainState& state) {
  const torch::NoGradGuard no_grad;
  const auto all = state.model->buffers();
  for (const bool floating : {true, false}) {
    std::vector<torch::Tensor> buffers, now, then, chosen;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].is_floating_point() != floating) continue;
      buffers.push_back(all[i]);
      now.push_back(all[i].flatten());
      then.push_back(state.boundary.buffers[i].flatten());
    }
    if (buffers.empty()) continue;
    const auto flat = torch::where(found.ne(0), torch::cat(then), torch::cat(now));
    std::int64_t at = 0;
    for (const auto& buffer : buffers) {
      chosen.push_back(flat.slice(0, at, at + buffer.numel()).reshape(buffer.sizes()));
      at += buffer.numel();
    }
    torch::_foreach_copy_(buffers, chosen);
  }
}

}  // namespace gannet
