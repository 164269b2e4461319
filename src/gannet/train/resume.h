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

/// What became of the newest run of a project and name, for a command that may be started again.
struct EarlierRun {
  ResumedRun resumed;     // to go on with; without checkpoint where there is none
  std::string directory;  // else of a run that was stopped before it saved anything; may be empty
};

/// Looks at PROJECT/NAME, or the newest of those counted from it, on rank 0 for all ranks. A run
/// that is finished or has other settings is left alone, and in the second case the first
/// difference is named. Throws Error as load_resumed_run does.
EarlierRun find_earlier_run(const Settings& settings, Communicator& comm);

/// The settings with overrides; see load_resumed_run. @param path named in errors
Settings change_settings(const Settings& run, const std::map<std::string, std::string>& overrides,
                         const std::string& path);

}  // namespace gannet
