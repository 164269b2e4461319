#include "gannet/train/run_files.h"

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <map>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/run_directory.h"
#include "gannet/io/torch_file.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

void make_weights_folder(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory / "weights", error);
  if (error)
    throw Error(ErrorKind::kIo, "cannot make the folder: " + error.message(),
                {(directory / "weights").string(), 0, {}}, "choose another --project");
}

/// A new run in the directory of an unfinished one does not take its state away.
void keep_unfinished(const fs::path& directory) {
  const fs::path last = directory / "weights/last.pt", kept = directory / "weights/replaced.pt";
  std::error_code ignored;
  if (!fs::exists(last, ignored)) return;
  const Value checkpoint = load_torch_file(last.string());
  if (!checkpoint.is_dict() || checkpoint.find("optimizer") == nullptr) return;
  fs::rename(last, kept, ignored);
  log_warning(
      "{}: holds an unfinished run of {} epochs so far, which this one replaces; its state "
      "is kept as {} (--resume auto goes on with such a run)",
      directory.string(), checkpoint.int_at("epoch") + 1, kept.string());
}

fs::path choose_directory(const RunParts& parts) {
  if (!parts.resumed_from.empty()) return fs::path(parts.resumed_from).parent_path().parent_path();
  const TrainSettings& train = parts.settings.train;
  const fs::path directory = parts.directory.empty()
                                 ? create_run_directory(train.project, train.name, train.exist_ok)
                                 : parts.directory;
  keep_unfinished(directory);
  return directory;
}

}  // namespace

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

fs::path history_file(const fs::path& weights) { return weights / "history.pt"; }

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

fs::path open_run_directory(const RunParts& parts) {
  fs::path directory;
  if (parts.comm->is_main()) {
    directory = choose_directory(parts);
    make_weights_folder(directory);
  }
  directory = parts.comm->broadcast("run directory", directory.string());
  if (!parts.comm->is_main()) return directory;
  remove_abandoned_files(directory);  // of an earlier start that was killed
  add_log_file(directory / "log.txt");
  write_settings_files(directory, parts.settings, parts.data.description(),
                       parts.state.model->description().text);
  return directory;
}

void write_settings_files(const fs::path& directory, const Settings& settings,
                          const DataDescription& data, const std::string& model_yaml) {
  write_file_atomically(directory / "settings.yaml", settings_to_yaml(settings));
  write_file_atomically(directory / "hyp.yaml", hyperparameters_to_yaml(settings.hyp));
  write_file_atomically(directory / "data.yaml", data_description_to_yaml(data));
  write_file_atomically(directory / "model.yaml", model_yaml);
}

}  // namespace gannet
