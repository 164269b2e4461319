// The label files of a data set as text, in each of the formats: the way back of the readers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gannet/data/index/image_index.h"

namespace gannet {

/// What a format could not hold; counted over a conversion.
struct ConvertLosses {
  std::int64_t outlines = 0, crowd = 0, difficult = 0, ids = 0;
};

/// Rows of a label file. @param outlines see ConvertOptions
std::string yolo_text(const IndexedImage& image, bool outlines, ConvertLosses& losses);

/// A whole xml file. @param file_name of the image
std::string voc_text(const IndexedImage& image, const std::string& file_name,
                     const std::vector<std::string>& names, ConvertLosses& losses);

/// A whole json file. Image ids are those of the index, else numbers in the file names, else 1, 2,
/// …; category ids those of the index, else class + 1. @param file_names of the images, in their
/// order
std::string coco_text(const ImageIndex& index, const std::vector<std::string>& file_names,
                      const std::vector<std::string>& names);

}  // namespace gannet
