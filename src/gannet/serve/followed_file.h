// Files that another program writes, read as they grow or change. They are never followed through a
// symbolic link, and what is no plain file counts as absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace gannet {

/// What tells one state of a file from another.
struct FileStamp {
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t changed_ns = 0;  // since 1970
  bool operator==(const FileStamp&) const = default;
};

/// Nothing where there is no such plain file.
std::optional<FileStamp> stamp_of(const std::filesystem::path& file);

/// Up to `max_bytes` of a plain file; nothing where it cannot be read.
std::optional<std::string> read_plain_file(const std::filesystem::path& file, std::size_t max_bytes,
                                           std::int64_t offset = 0);

/// Whole lines as they are added.
class GrowingFile {
 public:
  /// @param max_backlog what is older than these last bytes is left out at the start
  explicit GrowingFile(std::filesystem::path path, std::int64_t max_backlog = INT64_MAX)
      : path_(std::move(path)), max_backlog_(max_backlog) {}

  struct Part {
    bool first = false;  // what was read before no longer counts
    std::string text;    // whole lines
  };
  /// Nothing where nothing has come; 256 KiB at most, and more at the next call.
  std::optional<Part> read();

 private:
  std::filesystem::path path_;
  std::int64_t max_backlog_;
  std::uint64_t inode_ = 0;
  std::int64_t position_ = 0;
  bool began_ = false;
};

/// Content that is replaced whole.
class ReplacedFile {
 public:
  explicit ReplacedFile(std::filesystem::path path) : path_(std::move(path)) {}
  /// Nothing where it is as it was; 8 MiB at most.
  std::optional<std::string> read();

 private:
  std::filesystem::path path_;
  std::optional<FileStamp> stamp_;
};

}  // namespace gannet
