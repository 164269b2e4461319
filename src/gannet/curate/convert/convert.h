// Writes a data set anew in another annotation format, ready to train with. The source is only
// read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gannet/config/data_description.h"
#include "gannet/data/labels/annotations.h"

namespace gannet {

struct ConvertOptions {
  bool link = false;      // hard links instead of copies of images; falls back to copies
  bool exist_ok = false;  // write into a folder that is not empty
  /// YOLO text only: outlines also where the box around one is not exactly the object's box.
  /// Without it such an object becomes a box, so that labels stay the same to the last bit.
  bool outlines = false;
  bool use_cache = true;  // label cache in the user's cache folder
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};  // images of a split
};

struct ConvertReport {
  std::string data_file;  // the new data description
  std::int64_t images = 0, labels = 0;
  std::vector<std::string> notes;  // what the new format cannot hold, with counts
};

/// "yolo", "coco" or "voc"; throws Error (kUsage) for another name.
AnnotationFormat annotation_format(const std::string& name);

/// Writes images/SPLIT/, their labels (labels/SPLIT/NAME.txt, annotations/SPLIT.json or
/// annotations/SPLIT/NAME.xml) and data.yaml below `folder`, for each of train, val and test. Boxes
/// come out so that reading them gives the same float32 labels. Images that cannot be used are left
/// out; two that would have the same name get another. Throws Error (kUsage) if the folder is not
/// empty or holds the source, Error (kData) as build_split_index does, Error (kIo).
ConvertReport convert_dataset(const DataDescription& data, const std::string& folder,
                              AnnotationFormat format, const ConvertOptions& options = {});

}  // namespace gannet
