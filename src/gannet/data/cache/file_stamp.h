// What tells whether a file has changed since a cache saw it.
#pragma once

#include <cstdint>
#include <string>

namespace gannet {

/// A file with the same stamp is taken to be the same. The change time moves with every write, also
/// where a tool sets the modification time back, and the inode where a file is replaced.
struct FileStamp {
  std::int64_t size = -1, mtime_ns = 0, ctime_ns = 0, inode = 0;  // size -1: no such file
  bool exists() const { return size >= 0; }
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp file_stamp(const std::string& path);

}  // namespace gannet
