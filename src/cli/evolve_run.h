// Searching for hyperparameters as the program does it: shows candidates, ends on signals.
#pragma once

#include "gannet/evolve/evolve.h"
#include "ranks.h"

namespace gannet::cli {

/// @return the exit status   Throws Error; kInterrupted on SIGINT and SIGTERM.
int run_evolve(const Settings& settings, const EvolveOptions& options, const RankFlags& ranks);

}  // namespace gannet::cli
