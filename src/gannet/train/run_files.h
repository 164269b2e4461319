// What lies in the directory of a training run: settings files and checkpoints (interface: README,
// "Run directory").
#pragma once

#include <filesystem>
#include <string>

#include "gannet/config/data_description.h"
#include "gannet/config/settings.h"
#include "gannet/train/run_parts.h"

namespace gannet {

/// Newest last.pt below a project folder; throws Error (kUsage) if there is none.
std::string newest_checkpoint(const std::string& project);

/// What a finished run keeps to be extended, in its folder of weights.
std::filesystem::path history_file(const std::filesystem::path& weights);

/// Removes epochN.pt files of a folder beyond the `keep` with the highest numbers.
void remove_old_periodic(const std::filesystem::path& weights, int keep);

/// The directory of a run on every rank: that of the run that goes on, else a new one. Rank 0 makes
/// it, with the settings files and a log, and keeps the state of an unfinished run that was there.
/// Throws Error (kIo) where it cannot be written.
std::filesystem::path open_run_directory(const RunParts& parts);

/// settings.yaml, data.yaml, model.yaml and hyp.yaml.
void write_settings_files(const std::filesystem::path& directory, const Settings& settings,
                          const DataDescription& data, const std::string& model_yaml);

}  // namespace gannet
