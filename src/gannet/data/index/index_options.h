// How an index of a data set is built.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gannet {

struct IndexOptions {
  int num_classes = 80;
  bool single_class = false;
  int num_threads = 2;
  bool use_cache = true;  // label cache in the user's cache folder
  /// COCO json or folder of Pascal VOC xml; empty: labels are found by looking.
  std::string annotations = {};
  std::vector<std::string> names = {};  // of the classes: how COCO and VOC speak of them
  std::vector<std::string> roots = {};  // where entries of list files are looked for, too
  /// Told how many of the images are scanned, now and then: by one thread at a time, not always
  /// the same.
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
};

}  // namespace gannet
