#include "gannet/data/images/glob.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// Follows a pattern part by part.
class Globber {
 public:
  explicit Globber(const fs::path& pattern) : parts_(pattern.begin(), pattern.end()) {}

  std::vector<std::string> run() {
    follow({}, 0);
    return {found_.begin(), found_.end()};
  }

 private:
  void follow(const fs::path& base, std::size_t part) {
    std::error_code ignored;
    if (part == parts_.size()) {
      found_.insert(base.string());
    } else if (parts_[part] == "**") {
      any_folders(base, part, 0);
    } else if (fs::exists(base / parts_[part], ignored) || !is_glob(parts_[part].string())) {
      if (fs::exists(base / parts_[part], ignored)) follow(base / parts_[part], part + 1);
    } else {
      for (const fs::path& name : names_in(base)) {
        if (::fnmatch(parts_[part].c_str(), name.c_str(), FNM_PERIOD) == 0)
          follow(base / name, part + 1);
      }
    }
  }

  void any_folders(const fs::path& base, std::size_t part, int depth) {
    constexpr int kMaxDepth = 64;  // links may go round
    if (depth > kMaxDepth) return;
    std::error_code ignored;
    if (part + 1 == parts_.size() && !base.empty()) found_.insert(base.string());
    if (part + 1 < parts_.size()) follow(base, part + 1);
    for (const fs::path& name : names_in(base)) {
      const fs::path path = base / name;
      if (name.native().starts_with('.') || !fs::is_directory(path, ignored) ||
          fs::is_symlink(path, ignored)) {
        if (part + 1 == parts_.size() && !name.native().starts_with('.'))
          found_.insert(path.string());
        continue;
      }
      any_folders(path, part, depth + 1);
    }
  }

  static std::vector<fs::path> names_in(const fs::path& folder) {
    std::vector<fs::path> names;
    std::error_code failure;
    for (fs::directory_iterator at(folder.empty() ? "." : folder, failure), end;
         !failure && at != end; at.increment(failure)) {
      names.push_back(at->path().filename());
    }
    return names;
  }

  std::vector<fs::path> parts_;
  std::set<std::string> found_;
};

}  // namespace

bool is_glob(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

std::vector<std::string> glob(const std::string& pattern) { return Globber(pattern).run(); }

}  // namespace gannet
