#include "gannet/core/memory.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

#include "gannet/core/control_groups.h"

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
  for (const ControlGroup& group : control_groups(root, "memory"))
    least =
        std::min(least, left_in_group(group.folder, group.version == 1 ? kVersion1 : kVersion2));
  return least;
}

std::uint64_t memory_reserve(std::uint64_t available) {
  constexpr std::uint64_t kLeast = std::uint64_t{512} << 20;
  return std::min(available, std::max(available / 5, kLeast));
}

std::uint64_t resident_memory_bytes() {
  std::ifstream stream("/proc/self/statm");
  std::uint64_t all = 0, resident = 0;  // pages
  if (!(stream >> all >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void give_back_freed_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kLargestBlock = 32 << 20, kNeverTrim = 1 << 30;  // the largest that glibc takes
  ::mallopt(M_MMAP_THRESHOLD, kLargestBlock);
  ::mallopt(M_TRIM_THRESHOLD, kNeverTrim);
#endif
}

}  // namespace gannet
