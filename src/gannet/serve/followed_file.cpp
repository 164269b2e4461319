#include "gannet/serve/followed_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace gannet {
namespace {

constexpr std::size_t kMaxPart = 256 << 10, kMaxWhole = 8 << 20;

FileStamp stamp_of(const struct stat& info) {
  constexpr std::int64_t kNano = 1'000'000'000;
  return {info.st_ino, info.st_size, info.st_mtim.tv_sec * kNano + info.st_mtim.tv_nsec};
}

}  // namespace

std::optional<FileStamp> stamp_of(const std::filesystem::path& file) {
  struct stat info {};
  if (::lstat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return stamp_of(info);
}

std::optional<std::string> read_plain_file(const std::filesystem::path& file, std::size_t max_bytes,
                                           std::int64_t offset) {
  // Without O_NONBLOCK a pipe of that name would hold up the thread.
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return std::nullopt;
  struct stat info {};
  std::optional<std::string> content;
  if (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode)) {
    const auto left = static_cast<std::size_t>(std::max<std::int64_t>(info.st_size - offset, 0));
    std::string bytes(std::min(left, max_bytes), '\0');
    const ssize_t count = ::pread(descriptor, bytes.data(), bytes.size(), offset);
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    content = std::move(bytes);
  }
  ::close(descriptor);
  return content;
}

std::optional<GrowingFile::Part> GrowingFile::read() {
  const auto stamp = stamp_of(path_);
  if (!stamp) return std::nullopt;
  Part part;
  part.first = !began_ || stamp->inode != inode_ || stamp->size < position_;
  if (part.first) position_ = stamp->size > max_backlog_ ? stamp->size - max_backlog_ : 0;
  if (stamp->size == position_ && !part.first) return std::nullopt;
  part.text = read_plain_file(path_, kMaxPart, position_).value_or("");
  // A line under way waits for its end, unless it is longer than what is read at once.
  const std::size_t end = part.text.rfind('\n');
  if (end != std::string::npos) part.text.resize(end + 1);
  if (end == std::string::npos && part.text.size() < kMaxPart) part.text.clear();
  const bool in_the_middle = part.first && position_ > 0;
  position_ += static_cast<std::int64_t>(part.text.size());
  if (in_the_middle) part.text.erase(0, part.text.find('\n') + 1);
  if (part.text.empty()) return std::nullopt;
  began_ = true;
  inode_ = stamp->inode;
  return part;
}

std::optional<std::string> ReplacedFile::read() {
  const auto stamp = stamp_of(path_);
  if (!stamp || stamp == stamp_) return std::nullopt;
  auto content = read_plain_file(path_, kMaxWhole);
  if (content) stamp_ = stamp;
  return content;
}

}  // namespace gannet
