#include "gannet/ops/prepare.h"

#include <torch/types.h>

namespace gannet {

torch::Tensor prepare_images(const Batch& batch, const Placement& placement) {
  const auto bytes = torch::from_blob(batch.pixels.get(),
                                      {batch.images, batch.height, batch.width, 3}, torch::kUInt8);
  // Channels-last strides; a page-locked batch travels while the host goes on.
  const auto images = bytes.permute({0, 3, 1, 2})
                          .to(placement.device, torch::kUInt8, placement.wants_page_locked());
  return images.to(placement.parameters).div_(255).contiguous(placement.memory_format);
}

torch::Tensor prepare_targets(const Batch& batch) {
  const auto rows = static_cast<std::int64_t>(batch.targets.size());
  if (rows == 0) return torch::zeros({0, 6}, torch::kFloat32);
  const auto view = torch::from_blob(const_cast<float*>(batch.targets.front().data()), {rows, 6},
                                     torch::kFloat32);
  return view.clone();
}

}  // namespace gannet
