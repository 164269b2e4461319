#include "gannet/core/memory.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// The number behind a name in lines of "name number".
std::optional<std::uint64_t> number_after(const fs::path& file, const std::string& name) {
  std::ifstream stream(file);
  std::string word;
  std::uint64_t number = 0;
  for (std::string line; stream >> word && std::getline(stream, line);) {
    if (word != name) continue;
    const char* digits = line.c_str();
    number = std::strtoull(digits, nullptr, 10);
    return number;
  }
  return std::nullopt;
}

/// The only number of a file; nothing for "max" or no file.
std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::ifstream stream(file);
  std::uint64_t number = 0;
  if (stream >> number) return number;
  return std::nullopt;
}

struct GroupFiles {
  const char *limit, *usage, *reclaimable;
};
constexpr GroupFiles kVersion2 = {"memory.max", "memory.current", "inactive_file"};
constexpr GroupFiles kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                  "total_inactive_file"};

std::uint64_t left_in_group(const fs::path& folder, const GroupFiles& files) {
  const auto limit = number_in(folder / files.limit), usage = number_in(folder / files.usage);
  if (!limit || !usage) return std::numeric_limits<std::uint64_t>::max();
  const auto cached = number_after(folder / "memory.stat", files.reclaimable).value_or(0);
  const std::uint64_t fixed = *usage - std::min(*usage, cached);
  return *limit - std::min(*limit, fixed);
}

/// The least that the group `path` below `mount` and its parents leave.
std::uint64_t left_in_groups(const fs::path& mount, fs::path path, const GroupFiles& files) {
  std::uint64_t least = left_in_group(mount, files);
  for (; path.has_relative_path(); path = path.parent_path()) {
    least = std::min(least, left_in_group(mount / path.relative_path(), files));
  }
  return least;
}

}  // namespace

double peak_memory_gib() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#ifdef __APPLE__
  constexpr double kBytesPerUnit = 1;
#else
  constexpr double kBytesPerUnit = 1024;
#endif
  return static_cast<double>(usage.ru_maxrss) * kBytesPerUnit / (1024.0 * 1024.0 * 1024.0);
}

std::uint64_t available_memory_bytes(const fs::path& root) {
  const auto kibibytes = number_after(root / "proc/meminfo", "MemAvailable:");
  if (!kibibytes) return 0;
  std::uint64_t least = *kibibytes * 1024;
  const fs::path groups = root / "sys/fs/cgroup";
  std::ifstream stream(root / "proc/self/cgroup");
  for (std::string line; std::getline(stream, line);) {  // "0::/path" or "4:memory:/path"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path path = line.substr(second + 1);
    if (names == ",,") least = std::min(least, left_in_groups(groups, path, kVersion2));
    if (names.find(",memory,") != std::string::npos) {
      least = std::min(least, left_in_groups(groups / "memory", path, kVersion1));
    }
  }
  return least;
}

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kLargestBlock = 32 << 20, kNeverTrim = 1 << 30;  // the largest that glibc takes
  ::mallopt(M_MMAP_THRESHOLD, kLargestBlock);
  ::mallopt(M_TRIM_THRESHOLD, kNeverTrim);
#endif
}

}  // namespace gannet
