// Training on several processes, as the program does it: starting them, and joining them.
#pragma once

#include <memory>
#include <optional>

#include "gannet/config/settings.h"
#include "gannet/dist/world.h"
#include "gannet/train/trainer.h"

namespace gannet::cli {

/// The parent of --nproc: starts the ranks with its own arguments and ends as they do. After a failure
/// it may start them again, from the last checkpoint. @return the exit status
int launch_ranks(int nproc, int max_restarts);

/// The ranks that the environment describes; null for a process on its own.
std::shared_ptr<Communicator> join_ranks(const TrainSettings& settings, const std::optional<WorldSpec>& world);

/// Where the run's checkpoints are, for a parent that may have to start it again.
void tell_launcher_of_run(Trainer& trainer);

}  // namespace gannet::cli
