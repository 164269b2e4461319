// Work on several processes, as the program does it: starting them, and joining them.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "gannet/dist/world.h"
#include "gannet/train/trainer.h"

namespace gannet::cli {

/// Flags of every command that several processes can share.
struct RankFlags {
  int nproc = 1, local_rank = 0;
  void add_to(CLI::App& command);
};

/// The parent of --nproc: starts the ranks with its own arguments and ends as they do.
/// @param max_restarts how often a training run may be started again after a failure, from its last
/// checkpoint @return the exit status
int launch_ranks(int nproc, int max_restarts = 0);

/// The ranks that the environment describes; null for a process on its own. All but rank 0 become
/// silent but for warnings.
/// @param device as of the settings @param timeout seconds without the others
std::shared_ptr<Communicator> join_ranks(const std::optional<WorldSpec>& world,
                                         const std::string& device, double timeout);

/// Where the run's checkpoints are, for a parent that may have to start it again.
void tell_launcher_of_run(Trainer& trainer);

}  // namespace gannet::cli
