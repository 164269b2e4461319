#include "gannet/data/cache/file_stamp.h"

#include <sys/stat.h>

namespace gannet {

FileStamp file_stamp(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  const auto in_ns = [](const timespec& time) {
    return time.tv_sec * kNanosecondsPerSecond + time.tv_nsec;
  };
  return {status.st_size, in_ns(status.st_mtim), in_ns(status.st_ctim),
          static_cast<std::int64_t>(status.st_ino)};
}

}  // namespace gannet
