// What lies in the directory of a training run: settings files and checkpoints (interface: README,
// "Run directory").
#pragma once

#include <filesystem>
#include <string>

#include "gannet/config/data_description.h"
#include "gannet/config/settings.h"

namespace gannet {

/// Newest last.pt below a project folder; throws Error (kUsage) if there is none.
std::string newest_checkpoint(const std::string& project);

/// Removes epochN.pt files of a folder beyond the `keep` with the highest numbers.
void remove_old_periodic(const std::filesystem::path& weights, int keep);

/// settings.yaml, data.yaml, model.yaml and hyp.yaml.
void write_settings_files(const std::filesystem::path& directory, const Settings& settings,
                          const DataDescription& data, const std::string& model_yaml);

}  // namespace gannet
