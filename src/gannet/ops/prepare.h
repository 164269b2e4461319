// A batch of the loader as the tensors that a network takes.
#pragma once

#include <torch/types.h>

#include "gannet/data/sample/batch.h"
#include "gannet/ops/placement.h"

namespace gannet {

/// Pixels of a batch as (B, 3, H, W) in 0..1 on the device, in the placement's dtype and layout.
torch::Tensor prepare_images(const Batch& batch, const Placement& placement);
/// Targets of a batch as (N, 6) float32. They stay on the CPU, where they are matched: so no count
/// of matches has to be read from a device.
torch::Tensor prepare_targets(const Batch& batch);

}  // namespace gannet
