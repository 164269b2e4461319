// What a COCO annotation file says of its objects, as the evaluation takes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gannet/core/coco_boxes.h"
#include "gannet/data/labels/coco_file.h"

namespace gannet {

struct CocoTruthSet {
  std::vector<std::int64_t> image_ids, category_ids;  // ascending, each once
  std::vector<CocoTruth> objects;                     // in the order of the file
};

/// Objects of the images and categories that the file lists. An object without `area` has that of
/// its box.
CocoTruthSet coco_truth(const CocoFile& file);

/// Throws Error (kData) when a detection is of an image that the set does not have.
/// @param path of the detections, for the message
void require_known_images(const std::vector<CocoDetection>& detections, const CocoTruthSet& truth,
                          const std::string& path);

}  // namespace gannet
