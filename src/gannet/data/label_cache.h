// What scanning a data set found, kept in the user's cache folder so that the next run does not
// read every file again. Never written into the data set; a cache that cannot be used is just not
// used.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "gannet/data/label_file.h"

namespace gannet {

/// Size and modification time: a file with the same stamp is taken to be the same.
struct FileStamp {
  std::int64_t size = -1, mtime_ns = 0;  // size -1: no such file
  bool exists() const { return size >= 0; }
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp file_stamp(const std::string& path);

/// One image and its label file, as scanned.
struct ScannedImage {
  FileStamp image_stamp, label_stamp;
  int width = 0, height = 0;
  std::string image_problem;  // why the image is left out; empty if it is not
  ParsedLabels parsed;
};

using ScanResults = std::unordered_map<std::string, ScannedImage>;  // by image path

class LabelCache {
 public:
  /// @param sources what the data set was asked for by; names the file
  explicit LabelCache(const std::vector<std::string>& sources);

  /// Empty if there is no usable file.
  ScanResults load() const;
  void save(const std::vector<std::string>& paths, const std::vector<ScannedImage>& images) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;  // empty without a cache folder
};

}  // namespace gannet
