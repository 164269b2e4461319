// The observers that every run has: those that write into its directory.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gannet/observe/events.h"

namespace gannet {

struct RunObserverOptions {
  std::filesystem::path directory;  // of the run
  std::vector<EpochRow> history;    // rows of the epochs before this start
  std::string bucket;               // where everything is uploaded to; empty: nowhere
  std::function<bool()> ended = [] { return false; };  // whether uploads should give up
};

/// Adds results files, pictures, event files and uploads. Throws Error (kUsage) for a bucket that
/// is none.
void add_run_observers(ObserverList& list, const RunObserverOptions& options);

}  // namespace gannet
