#include "gannet/train/resume.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <sstream>
#include <utility>
#include <vector>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/dist/agreement.h"
#include "gannet/io/torch_file.h"
#include "gannet/train/run_directory.h"
#include "gannet/train/state.h"

namespace gannet {
namespace {

/// Settings that do not decide the numbers of a run, or only where its data lie.
constexpr std::array kChangeable{"epochs",     "data",          "device",        "workers",
                                 "precision",  "memory_format", "cache_images",  "dist_timeout",
                                 "save_every", "save_period",   "keep_periodic", "nosave",
                                 "patience",   "exist_ok",      "bucket"};

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

ResumedRun load_resumed_run(const ResumeOptions& options, Communicator& comm) {
  ResumedRun run;
  run.path = options.checkpoint;
  if (run.path.empty())
    run.path =
        from_main("newest checkpoint", comm, [&] { return newest_checkpoint(options.project); });
  run.checkpoint =
      parse(from_main("checkpoint", comm, [&] { return read_file(run.path); }), run.path);
  const Settings of_run = settings_of_checkpoint(run.checkpoint, run.path);
  run.settings = change_settings(of_run, options.overrides, run.path);
  return run;
}

}  // namespace gannet
