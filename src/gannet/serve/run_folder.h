// The runs below a folder, as the dashboard lists them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace gannet {

struct ListedRun {
  std::string name;  // its path below the folder
  std::filesystem::path directory;
  bool finished = false;
  std::int64_t changed_s = 0;  // when its figures or log were last written, since 1970
};

/// A run is a directory with results.csv. Safe to use by several threads.
class RunFolder {
 public:
  /// @param root a folder of runs, four levels deep at most, or one run   Empty: there are none.
  explicit RunFolder(std::filesystem::path root = {}) : root_(std::move(root)) {}

  /// Shows another folder from now on.
  void show(std::filesystem::path root);

  /// Those changed last come first; 1000 at most. Looked for every two seconds at most.
  std::vector<ListedRun> runs() const;

  /// Nothing for what `runs` does not list.
  std::optional<std::filesystem::path> directory_of(const std::string& name) const;

 private:
  mutable std::mutex mutex_;
  std::filesystem::path root_;
  mutable std::vector<ListedRun> runs_;
  mutable std::optional<std::chrono::steady_clock::time_point> looked_;
};

/// The pictures of a run that may be shown, in the order in which they are.
const std::vector<std::string>& shown_pictures();

}  // namespace gannet
