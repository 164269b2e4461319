// The zip container as torch.save writes it: stored entries whose data begin at multiples of 64.
// Format: PKWARE APPNOTE 6.3.9, sections 4.3 (records), 4.5.3 (zip64 extra field).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gannet/core/atomic_file.h"
#include "gannet/io/tensor_data.h"

namespace gannet {

/// Writes stored entries one after another; nothing is kept but the directory.
class ZipWriter {
 public:
  /// Sizes and offsets at or above `zip64_from` use zip64 fields; lower values are for tests.
  explicit ZipWriter(WriteBytes write, std::uint64_t zip64_from = 0xFFFFFFFF);
  /// Adds an entry; its data begin at a multiple of 64 bytes (an extra field "FB" pads, as
  /// torch's).
  void add(const std::string& name, const void* data, std::size_t size);
  void add(const std::string& name, std::string_view data) { add(name, data.data(), data.size()); }
  /// Writes the central directory; call once, last.
  void finish();

 private:
  struct Entry {
    std::string name;
    std::uint32_t crc = 0;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
  };
  std::string local_header(const Entry& entry) const;
  std::string central_header(const Entry& entry) const;
  void write(const void* data, std::size_t size);

  WriteBytes write_;
  std::uint64_t zip64_from_;
  std::uint64_t position_ = 0;
  std::vector<Entry> entries_;
};

/// Reads stored and deflated entries of an archive in memory. Everything that the file says about
/// itself is checked against its real size before it is used; Error (kCheckpoint) otherwise:
/// encryption, several disks, duplicate, absolute or climbing names, overlapping entries.
class ZipReader {
 public:
  /// `file` spans the whole archive and is kept alive by the storages that `read` returns.
  explicit ZipReader(StoragePtr file);

  /// Names in the order of the central directory.
  const std::vector<std::string>& names() const { return names_; }
  bool contains(std::string_view name) const;
  /// Content with its CRC checked: a window into the file when stored, else a new buffer.
  StoragePtr read(std::string_view name) const;

 private:
  struct Entry {
    std::uint64_t data = 0;  // offset of the first content byte in the file
    std::uint64_t stored_size = 0;
    std::uint64_t size = 0;
    std::uint32_t crc = 0;
    std::uint16_t method = 0;
  };
  struct Directory {
    std::uint64_t offset = 0, size = 0, count = 0;
  };
  Directory find_directory() const;
  Directory read_zip64_directory(std::size_t end_record) const;
  void read_directory(const Directory& directory);
  void check_overlaps(const Directory& directory) const;
  void check_inflated_total() const;

  StoragePtr file_;
  std::string_view bytes_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, Entry> entries_;
};

/// The bytes of a storage as characters.
std::string_view as_text(const StorageBytes& storage);

}  // namespace gannet
