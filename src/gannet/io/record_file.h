// Files of records with checksums, in TensorFlow's framing (TFRecord): a reader finds where the
// whole ones end, whatever interrupted the writer.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace gannet {

/// Length (8 bytes, little endian), its masked CRC-32C, the record, its masked CRC-32C.
std::string frame_record(std::string_view record);

/// A file that only grows, by whole records: each is handed to the system in one call, so nothing
/// waits in this process and none is lost when it is killed.
class RecordFile {
 public:
  /// Makes the file; throws Error (kIo) where that fails or one of this name exists.
  explicit RecordFile(std::filesystem::path path);
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;
  ~RecordFile();

  /// Throws Error (kIo); the file then ends before the record.
  void append(std::string_view record);

 private:
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace gannet
