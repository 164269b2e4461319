// What a run starts from: settings, and the checkpoint of a run that goes on.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "gannet/config/settings.h"
#include "gannet/dist/communicator.h"
#include "gannet/io/value.h"
#include "gannet/train/resume_options.h"

namespace gannet {

struct RunStart {
  Settings settings;
  std::string resumed_from = {};         // checkpoint file; empty: a new run
  Value checkpoint = {};                 // its content; none for a new run
  std::filesystem::path directory = {};  // of an earlier start that saved nothing; else empty
  Value history = {};         // of a finished run that is extended (history_of); else none
  bool plans_memory = false;  // also where nothing depends on it
};

/// Reads the checkpoint on rank 0 for all ranks. Throws Error: kUsage for an override that
/// contradicts the run (only what does not decide its numbers may change, and the epochs may grow),
/// kCheckpoint for a file that cannot be resumed. With `extend`, of a finished run: as many epochs
/// more; a run that is in the middle of just this extension goes on, any other unfinished one is
/// kUsage.
RunStart load_resumed_run(const ResumeOptions& options, Communicator& comm);

/// For a command that may be started again: goes on with the newest run of its project and name,
/// else starts one. Looks at PROJECT/NAME, or the newest of those counted from it, on rank 0 for
/// all ranks. A run that is finished or has other settings is left alone, and in the second case
/// the first difference is named. Throws Error as load_resumed_run does.
RunStart find_earlier_run(const Settings& settings, Communicator& comm);

/// The settings with overrides; see load_resumed_run. @param path named in errors
Settings change_settings(const Settings& run, const std::map<std::string, std::string>& overrides,
                         const std::string& path);

}  // namespace gannet
