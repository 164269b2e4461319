#include "gannet/train/run_directory.h"

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <map>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"

namespace gannet {

namespace fs = std::filesystem;

std::string newest_checkpoint(const std::string& project) {
  fs::path newest;
  fs::file_time_type newest_time{};
  std::error_code ignored;
  for (auto it = fs::recursive_directory_iterator(project, ignored);
       it != fs::recursive_directory_iterator(); it.increment(ignored)) {
    if (it->path().filename() != "last.pt" || !it->is_regular_file(ignored)) continue;
    const auto time = it->last_write_time(ignored);
    if (newest.empty() || time > newest_time) {
      newest = it->path();
      newest_time = time;
    }
  }
  if (newest.empty())
    throw Error(ErrorKind::kUsage, fmt::format("no last.pt below '{}'", project),
                {{}, 0, "--resume"}, "give the checkpoint's path");
  return newest.string();
}

void remove_old_periodic(const fs::path& weights, int keep) {
  std::map<int, fs::path, std::greater<>> by_epoch;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(weights, ignored)) {
    const std::string name = entry.path().filename().string();
    int epoch = 0, length = 0;
    if (std::sscanf(name.c_str(), "epoch%d.pt%n", &epoch, &length) == 1 &&
        static_cast<std::size_t>(length) == name.size())
      by_epoch[epoch] = entry.path();
  }
  for (const auto& [epoch, path] : by_epoch)
    if (--keep < 0) fs::remove(path, ignored);
}

void write_settings_files(const fs::path& directory, const Settings& settings,
                          const DataDescription& data, const std::string& model_yaml) {
  write_file_atomically(directory / "settings.yaml", settings_to_yaml(settings));
  write_file_atomically(directory / "hyp.yaml", hyperparameters_to_yaml(settings.hyp));
  write_file_atomically(directory / "data.yaml", data_description_to_yaml(data));
  write_file_atomically(directory / "model.yaml", model_yaml);
}

}  // namespace gannet
