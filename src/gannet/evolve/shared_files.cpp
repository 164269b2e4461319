#include "gannet/evolve/shared_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include "gannet/core/atomic_file.h"
#include "gannet/core/hash.h"
#include "gannet/core/rng.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

/// Fields 3 (state) and 22 (time of the start) of /proc/PID/stat; empty where there is no such
/// process. The second field, a name in brackets, may hold anything.
struct ProcessStat {
  std::string state, start;
};
ProcessStat stat_of(const std::string& pid) {
  const std::string text = text_of("/proc/" + pid + "/stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  const std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
  constexpr std::size_t kStart = 22 - 3;
  return fields.size() > kStart ? ProcessStat{fields[0], fields[kStart]} : ProcessStat();
}

/// Host, boot and process space: where process numbers mean the same.
std::string this_machine() {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  std::error_code ignored;
  std::string space = fs::read_symlink("/proc/self/ns/pid", ignored).string();
  std::erase(space, ':');
  std::string name = host;
  std::erase(name, ':');
  return fmt::format("{}:{}:{}", name, text_of("/proc/sys/kernel/random/boot_id"), space);
}

fs::path beside(const fs::path& path) { return path.string() + "." + unique_suffix(); }

/// What is left where a file system has no links: a reader may see the file while it is written.
bool create_directly(const fs::path& path, std::string_view content) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0 && errno == EEXIST) return false;
  if (file < 0) throw_io_error(path, "write");
  const ssize_t written = ::write(file, content.data(), content.size());
  const bool whole = ::fsync(file) == 0 && written == static_cast<ssize_t>(content.size());
  ::close(file);
  if (!whole) throw_io_error(path, "write");
  return true;
}

double seconds_of(const struct stat& status) {
  return static_cast<double>(status.st_mtim.tv_sec) +
         1e-9 * static_cast<double>(status.st_mtim.tv_nsec);
}

}  // namespace

std::string this_process() {
  const std::string pid = std::to_string(::getpid());
  return fmt::format("{}:{}:{}", this_machine(), pid, stat_of(pid).start);
}

bool is_known_dead(const std::string& process) {
  const std::vector<std::string> parts = split(process, ':');
  constexpr std::size_t kParts = 5;
  if (parts.size() != kParts || !process.starts_with(this_machine() + ":")) return false;
  const ProcessStat now = stat_of(parts[3]);
  return now.start != parts[4] || now.state == "Z" || now.state == "X";
}

std::string unique_suffix() {
  static std::atomic<int> count{0};
  return fmt::format("{:08x}-{}-{}.tmp", fnv1a32(this_process()), ::getpid(), ++count);
}

void replace_shared_file(const fs::path& path, std::string_view content) {
  const fs::path own = beside(path);
  write_file_atomically(own, content);
  if (::rename(own.c_str(), path.c_str()) != 0) throw_io_error(path, "replace");
}

bool create_shared_file(const fs::path& path, std::string_view content) {
  const fs::path own = beside(path);
  write_file_atomically(own, content);
  bool made = ::link(own.c_str(), path.c_str()) == 0;
  const int why = errno;
  struct stat status {};
  // A network may lose the answer of a link that was made.
  if (!made) made = ::stat(own.c_str(), &status) == 0 && status.st_nlink > 1;
  ::unlink(own.c_str());
  if (made) return true;
  return why != EEXIST && create_directly(path, content);
}

bool touch_shared_file(const fs::path& path) {
  return ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0;
}

double age_of_shared_file(const fs::path& path) {
  struct stat file {
  }, now{};
  if (::stat(path.c_str(), &file) != 0) return -1;
  const fs::path clock = beside(path);
  const int fresh = ::open(clock.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fresh < 0) throw_io_error(clock, "write");
  const bool known = ::write(fresh, "", 1) == 1 && ::fsync(fresh) == 0 && ::fstat(fresh, &now) == 0;
  ::close(fresh);
  ::unlink(clock.c_str());
  return known ? std::max(0.0, seconds_of(now) - seconds_of(file)) : 0;
}

}  // namespace gannet
