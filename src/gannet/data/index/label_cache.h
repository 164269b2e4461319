// What scanning a data set found, kept in the user's cache folder so that the next run does not
// read every file again. Never written into the data set; a cache that cannot be used is just not
// used.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gannet/data/cache/file_stamp.h"
#include "gannet/data/labels/annotations.h"
#include "gannet/data/labels/label_file.h"

namespace gannet {

/// One image and its labels, as scanned.
struct ScannedImage {
  FileStamp image_stamp, label_stamp;
  int width = 0, height = 0;
  std::string image_problem;  // why the image is left out; empty if it is not
  ParsedLabels parsed;
};

/// A whole split, as scanned.
struct LabelScan {
  std::string source;         // which format, found where
  std::int64_t start_ns = 0;  // when it began, since 1970
  AnnotationSummary summary;
  std::vector<std::string> paths;    // sorted
  std::vector<ScannedImage> images;  // in the order of `paths`
  // Not kept in the cache: the list of images is made anew each time.
  std::vector<std::string> foreign;
  std::int64_t num_subfolders = 0;
};

/// One file per request. It is written atomically, so that of several processes that start at once
/// each finds either nothing or a whole scan; its checksum tells a damaged one.
class LabelCache {
 public:
  /// @param request what the data set was asked for by; names the file
  explicit LabelCache(const AnnotationRequest& request);

  /// Empty if there is no usable file.
  LabelScan load() const;
  void save(const LabelScan& scan) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;  // empty without a cache folder
};

}  // namespace gannet
