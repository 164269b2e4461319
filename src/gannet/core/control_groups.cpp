#include "gannet/core/control_groups.h"

#include <fstream>

namespace gannet {
namespace {

namespace fs = std::filesystem;

void add_with_parents(std::vector<ControlGroup>& groups, const fs::path& mount, fs::path path,
                      int version) {
  groups.push_back({mount, version});
  for (; path.has_relative_path(); path = path.parent_path())
    groups.push_back({mount / path.relative_path(), version});
}

}  // namespace

std::vector<ControlGroup> control_groups(const fs::path& root, const std::string& controller) {
  std::vector<ControlGroup> groups;
  const fs::path mounts = root / "sys/fs/cgroup";
  std::ifstream stream(root / "proc/self/cgroup");
  for (std::string line; std::getline(stream, line);) {  // "0::/path" or "4:memory:/path"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path path = line.substr(second + 1);
    if (names == ",,") add_with_parents(groups, mounts, path, 2);
    if (names.find("," + controller + ",") != std::string::npos)
      add_with_parents(groups, mounts / controller, path, 1);
  }
  return groups;
}

}  // namespace gannet
