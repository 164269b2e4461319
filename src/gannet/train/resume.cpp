#include "gannet/train/resume.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/dist/agreement.h"
#include "gannet/io/torch_file.h"
#include "gannet/train/run_checkpoint.h"
#include "gannet/train/run_files.h"
#include "gannet/train/run_options.h"

namespace gannet {
namespace {

/// Settings that do not decide the numbers of a run, or only where its data lie.
constexpr std::array kChangeable{
    "epochs",       "data",         "device",     "workers",     "precision",     "memory_format",
    "cache_images", "dist_timeout", "save_every", "save_period", "keep_periodic", "nosave",
    "patience",     "exist_ok",     "bucket",     "time_limit",  "max_bad_steps"};

/// "key: value" of every setting.
std::vector<std::string> lines_of(const Settings& settings) {
  std::istringstream text(settings_to_yaml(settings));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);)
    lines.push_back(line.substr(std::min(line.find_first_not_of(' '), line.size())));
  return lines;
}

// What an assignment changes, as "key: value" before and after; empty where nothing.
std::pair<std::string, std::string> first_difference(const Settings& before,
                                                     const Settings& after) {
  const auto old_lines = lines_of(before), new_lines = lines_of(after);
  const auto [old_line, new_line] =
      std::mismatch(old_lines.begin(), old_lines.end(), new_lines.begin(), new_lines.end());
  return old_line == old_lines.end() ? std::pair<std::string, std::string>()
                                     : std::pair(*old_line, *new_line);
}

bool may_change(const std::string& key, const Settings& before, const Settings& after) {
  if (std::find(kChangeable.begin(), kChangeable.end(), key) == kChangeable.end()) return false;
  return key != "epochs" || after.train.epochs > before.train.epochs;
}

Value parse(std::string bytes, const std::string& path) {
  try {
    return parse_torch_file(make_storage(std::move(bytes)));
  } catch (const Error& error) {
    throw Error(error.kind(), error.message(), {path, 0, {}}, error.advice());
  }
}

/// PROJECT/NAME, or the last of PROJECT/NAME2, ... that exists; empty if none does.
std::string newest_directory(const TrainSettings& train) {
  namespace fs = std::filesystem;
  const fs::path first = fs::path(train.project) / (train.name.empty() ? "exp" : train.name);
  std::error_code ignored;
  if (!fs::is_directory(first, ignored)) return {};
  fs::path newest = first;
  for (int n = 2; !train.exist_ok; ++n) {
    const fs::path next = first.string() + std::to_string(n);
    if (!fs::is_directory(next, ignored)) break;
    newest = next;
  }
  return newest.string();
}

/// "section.key" to the text of its value.
std::map<std::string, std::string> flat(const Settings& settings) {
  std::istringstream text(settings_to_yaml(settings));
  std::map<std::string, std::string> values;
  std::string section;
  for (std::string line; std::getline(text, line);) {
    const std::size_t colon = line.find(':');
    if (line.starts_with(' ')) {
      const std::size_t begin = line.find_first_not_of(' ');
      values[section + "." + line.substr(begin, colon - begin)] =
          line.substr(std::min(line.find_first_not_of(' ', colon + 1), line.size()));
    } else {
      section = line.substr(0, colon);
    }
  }
  return values;
}

/// The run's settings with what may change taken from `wanted`; says the first difference that may
/// not, and is empty then.
std::optional<Settings> fit_settings(const Settings& run, const Settings& wanted,
                                     std::string& difference) {
  Settings fitted = run;
  const auto before = flat(run);
  for (const auto& [key, value] : flat(wanted)) {
    const auto found = before.find(key);
    if (found == before.end() || found->second == value) continue;
    // What the run's recipe decided from the data is not contradicted by what stood there before.
    if (run.train.recipe == "auto" && key != "train.recipe" && !wanted.chosen.contains(key))
      continue;
    if (key == "train.batch_size" && wanted.wants_batch_size()) continue;  // it was found then
    Settings changed = fitted;
    assign_setting(changed, key, value);
    const std::string name = key.substr(key.find('.') + 1);
    if (name == "data" || !may_change(name, fitted, changed)) {
      difference = fmt::format("{} is {} there, {} here", name, found->second, value);
      return std::nullopt;
    }
    fitted = changed;
  }
  return fitted;
}

// Only rank 0's machine needs to have the files.
std::string from_main(const std::string& what, Communicator& comm,
                      const std::function<std::string()>& read) {
  std::string content;
  fail_together(comm, [&] { content = comm.broadcast(what, comm.is_main() ? read() : ""); });
  return content;
}

}  // namespace

Settings change_settings(const Settings& run, const std::map<std::string, std::string>& overrides,
                         const std::string& path) {
  Settings settings = run;
  for (const auto& [name, value] : overrides) {
    Settings changed = settings;
    assign_setting(changed, name, value);
    check_settings(changed);
    if (name == "train.batch_size" && changed.wants_batch_size()) continue;  // it was found then
    const auto [before, after] = first_difference(settings, changed);
    if (before.empty()) continue;
    const std::string key = before.substr(0, before.find(':'));
    if (!may_change(key, settings, changed)) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("the run has '{}', which '{}' contradicts", before, after),
                  {path, 0, key}, "leave it out, or start a new run with --weights");
    }
    log_info("resuming with '{}' instead of '{}'", after, before);
    settings = changed;
  }
  return settings;
}

RunStart find_earlier_run(const Settings& settings, Communicator& comm) {
  RunStart start{.settings = settings};
  Settings wanted = settings;
  check_settings(wanted);
  make_paths_absolute(wanted.train, false);
  const std::string directory =
      from_main("earlier run", comm, [&] { return newest_directory(wanted.train); });
  if (directory.empty()) return start;
  const std::string path = (std::filesystem::path(directory) / "weights/last.pt").string();
  const std::string bytes = from_main("earlier checkpoint", comm, [&] {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored) ? read_file(path) : std::string();
  });
  if (bytes.empty()) {
    log_info("{}: nothing was saved, the run starts there again", directory);
    start.directory = directory;
    return start;
  }
  Value checkpoint = parse(bytes, path);
  if (checkpoint.find("optimizer") == nullptr) {
    log_info("{}: the run is finished, a new one starts", directory);
    return start;
  }
  std::string difference;
  const auto fitted = fit_settings(settings_of_checkpoint(checkpoint, path), wanted, difference);
  if (!fitted) {
    log_warning("{}: the unfinished run has other settings, a new one starts: {}", directory,
                difference);
    return start;
  }
  log_info("{}: goes on with the unfinished run", directory);
  return {.settings = *fitted, .resumed_from = path, .checkpoint = std::move(checkpoint)};
}

/// Whether the run is in the middle of this extension: the command was given again.
bool is_under_way(const RunStart& start, int extend) {
  const Value* from = start.checkpoint.at("schedule").find("start_epoch");
  return from != nullptr && from->as_int() > 0 &&
         settings_of_checkpoint(start.checkpoint, start.resumed_from).train.epochs ==
             from->as_int() + extend;
}

/// A finished run that goes on.
void extend_run(RunStart& start, const ResumeOptions& options, Communicator& comm) {
  const std::string& path = start.resumed_from;
  const std::string beside = history_file(std::filesystem::path(path).parent_path()).string();
  const std::string bytes = from_main("history", comm, [&] {
    std::error_code ignored;
    return std::filesystem::exists(beside, ignored) ? read_file(beside) : std::string();
  });
  if (bytes.empty())
    throw Error(ErrorKind::kUsage,
                "there is no history.pt beside it that says how its run was made",
                {path, 0, "--extend"},
                "give last.pt of a finished run, where it was written; or start a new run with "
                "--weights");
  start.history = parse(bytes, beside);
  if (options.overrides.contains("train.epochs"))
    throw Error(ErrorKind::kUsage, "cannot be combined with --epochs", {{}, 0, "--extend"},
                "it says how many epochs more");
  const Settings of_run = parse_settings(start.history.string_at("settings"), beside);
  start.settings = change_settings(of_run, options.overrides, path);
  start.settings.train.epochs = static_cast<int>(start.history.int_at("epochs")) + options.extend;
}

RunStart load_resumed_run(const ResumeOptions& options, Communicator& comm) {
  RunStart start;
  std::string& path = start.resumed_from;
  path = options.checkpoint;
  if (path.empty())
    path = from_main("newest checkpoint", comm, [&] { return newest_checkpoint(options.project); });
  start.checkpoint = parse(from_main("checkpoint", comm, [&] { return read_file(path); }), path);
  const bool is_finished =
      start.checkpoint.is_dict() && start.checkpoint.find("optimizer") == nullptr;
  if (options.extend > 0 && is_finished) {
    extend_run(start, options, comm);
    return start;
  }
  const Settings of_run = settings_of_checkpoint(start.checkpoint, path);
  if (options.extend > 0) {
    if (!is_under_way(start, options.extend))
      throw Error(ErrorKind::kUsage,
                  fmt::format("the run is not finished: {} of {} epochs are done",
                              start.checkpoint.int_at("epoch") + 1, of_run.train.epochs),
                  {path, 0, "--extend"},
                  fmt::format("finish it first: gannet train --resume {}", path));
    log_info("{}: the extension by {} epochs goes on", path, options.extend);
  }
  start.settings = change_settings(of_run, options.overrides, path);
  return start;
}

}  // namespace gannet
