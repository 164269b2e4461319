// What a run goes on from: its checkpoint, and its settings with what may change on the way.
#pragma once

#include <map>
#include <string>

#include "gannet/config/settings.h"
#include "gannet/dist/communicator.h"
#include "gannet/io/value.h"
#include "gannet/train/resume_options.h"

namespace gannet {

struct ResumedRun {
  std::string path;
  Value checkpoint;
  Settings settings;
};

/// Reads the checkpoint on rank 0 for all ranks. Throws Error: kUsage for an override that
/// contradicts the run (only what does not decide its numbers may change, and the epochs may grow),
/// kCheckpoint for a file that cannot be resumed.
ResumedRun load_resumed_run(const ResumeOptions& options, Communicator& comm);

/// The settings with overrides; see load_resumed_run. @param path named in errors
Settings change_settings(const Settings& run, const std::map<std::string, std::string>& overrides,
                         const std::string& path);

}  // namespace gannet
