#include "gannet/core/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "gannet/core/error.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporarySuffix = ".tmp";

// Beside its target; the number tells whose it is.
fs::path temporary_name(const fs::path& target) {
  return target.string() + fmt::format("{}{}", kTemporarySuffix, ::getpid());
}

/// Closes the descriptor and removes the temporary file unless `keep` was called.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target)
      : path_(temporary_name(target)),
        descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) throw_io_error(target, "write");
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!kept_) ::unlink(path_.c_str());
  }

  void write(const void* data, std::size_t size) {
    const char* bytes = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t written = ::write(descriptor_, bytes, size);
      if (written < 0) {
        if (errno == EINTR) continue;
        throw_io_error(path_, "write");
      }
      bytes += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  void rename_to(const fs::path& target) {
    if (::fsync(descriptor_) != 0) throw_io_error(path_, "flush");
    const int closed = ::close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) throw_io_error(path_, "close");
    if (::rename(path_.c_str(), target.c_str()) != 0) throw_io_error(target, "replace");
    kept_ = true;
  }

 private:
  fs::path path_;
  int descriptor_;
  bool kept_ = false;
};

void flush_folder(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a folder that cannot be opened cannot be flushed either
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

void throw_io_error(const fs::path& path, const char* action) {
  throw Error(ErrorKind::kIo, fmt::format("cannot {}: {}", action, std::strerror(errno)),
              {path.string(), 0, {}}, "check permissions and free space");
}

void write_file_atomically(const fs::path& path,
                           const std::function<void(const WriteBytes&)>& produce) {
  TemporaryFile file(path);
  produce([&file](const void* data, std::size_t size) { file.write(data, size); });
  file.rename_to(path);
  flush_folder(path);
}

void write_file_atomically(const fs::path& path, std::string_view content) {
  write_file_atomically(path,
                        [&](const WriteBytes& write) { write(content.data(), content.size()); });
}

bool replace_by_link(const fs::path& existing, const fs::path& target) {
  const fs::path link = temporary_name(target);
  std::error_code failed;
  fs::create_hard_link(existing, link, failed);
  if (failed) return false;
  fs::rename(link, target, failed);
  if (failed) {
    fs::remove(link, failed);
    return false;
  }
  flush_folder(target);
  return true;
}

void remove_abandoned_files(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const auto suffix = name.rfind(kTemporarySuffix);
    if (suffix == std::string::npos) continue;
    const int process = std::atoi(name.c_str() + suffix + kTemporarySuffix.size());
    if (process > 0 && process != ::getpid() && ::kill(process, 0) != 0 && errno == ESRCH)
      fs::remove(entry.path(), ignored);
  }
}

std::string read_file(const fs::path& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) throw_io_error(path, "read");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> closer(file, &std::fclose);
  struct stat status {};
  std::size_t expected = 0;
  if (::fstat(::fileno(file), &status) == 0 && status.st_size > 0) {
    expected = static_cast<std::size_t>(status.st_size);
  }
  std::setvbuf(file, nullptr, _IONBF, 0);
  std::string content(expected + 1, '\0');  // one more, so that a full read sees the end
  std::size_t size = 0;
  while (true) {
    size += std::fread(content.data() + size, 1, content.size() - size, file);
    if (std::ferror(file) != 0) throw_io_error(path, "read");
    if (size < content.size()) break;
    content.resize(content.size() * 2);  // it grew, or is a pipe
  }
  content.resize(size);
  return content;
}

}  // namespace gannet
