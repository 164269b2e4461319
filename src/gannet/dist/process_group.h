// A world of several processes on c10d: Gloo for tensors on the CPU, NCCL for those on GPUs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gannet/dist/world.h"

namespace gannet {

class Communicator;

/// How tensors on GPUs take part: not at all; by NCCL, which wants a GPU for each rank; by Gloo
/// over the host's memory, for ranks that share a GPU (tests, and machines without NCCL).
enum class GpuLinks { kNone, kNccl, kGloo };

struct ProcessGroupOptions {
  double timeout_seconds = 300;  // a collective without the others ends after this
  GpuLinks gpus = GpuLinks::kNone;
  bool check_order = false;  // compare the name of every collective with rank 0's (slow)
  /// Called from another thread when another rank has failed and this one has not noticed within
  /// five seconds, with the reason. Must end the process; empty: nothing happens.
  std::function<void(const std::string& why)> on_stuck;
};

/// Joins the world. Every collective throws Error (kDistributed) when another rank dies, stalls or
/// ends: the call's name, the rank, its host and, where it could tell, why.
std::shared_ptr<Communicator> join_process_group(const WorldSpec& world,
                                                 const ProcessGroupOptions& options);

}  // namespace gannet
