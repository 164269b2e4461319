// What memory a run will take: a few steps with random pictures are tried before it begins, and the
// rest is known. For `--batch-size -1` and `--dry-run` (docs/memory.md).
#pragma once

#include <string>

#include "gannet/config/data_description.h"
#include "gannet/config/settings.h"
#include "gannet/dist/communicator.h"
#include "gannet/nn/model.h"
#include "gannet/ops/placement.h"
#include "gannet/train/memory_plan.h"

namespace gannet {

/// What this rank takes, in the memory that computes: the host's on a CPU, else the device's.
struct RunMemory {
  MemoryNeed need;
  double limit = 0;       // bytes that this rank may take; 0: the system does not tell
  double images = 0;      // of the batch, on this rank
  std::string shortened;  // why less was tried than usual; mostly empty

  /// "memory: about 1.31 of 14.20 GiB: program 0.35, weights 0.11, a step of 16 images 0.80, ..."
  std::string describe() const;
};

/// Measures, and replaces a batch size that is to be found; all ranks call it together and find the
/// same. The model's weights are not used. Throws Error (kMemory) where not even one image fits,
/// and as a scan of the training images does.
RunMemory plan_memory(Settings& settings, const DataDescription& description,
                      const DetectionModel& model, const Placement& placement, Communicator& comm);

}  // namespace gannet
