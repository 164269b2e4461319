// Detections and truth of a data set in COCO's terms: its ids, its results file (RB 7.6).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "gannet/data/index/image_index.h"
#include "gannet/eval/records.h"
#include "gannet/eval/scores.h"

namespace gannet {

/// The category of each class of the model: of the annotation file where there is one, else COCO's
/// own for 80 classes, else the class's number; -1 for a class that the data set does not have.
/// @param num_classes of the data set   @param numbers of its classes among the model's
std::vector<std::int64_t> coco_categories(const ImageIndex& index, int num_classes,
                                          const std::vector<int>& numbers, int model_classes);

/// Truth of a COCO json for the images of a set. Images are found by the id that the set knows,
/// else by file name; categories by name where both sides have names, else as `categories` says.
/// Images and classes that the file does not know are warned about. Throws Error (kData) where a
/// name stands for several images, and where the file knows none of the images or none of the
/// classes.
/// @param names of the model's classes
CocoGround coco_ground(const std::string& json, const ImageIndex& index,
                       const std::vector<std::int64_t>& categories,
                       const std::vector<std::string>& names);

/// A list of {image_id, category_id, bbox, score}, in the order of the data set: ids of the
/// annotation file where there is one, else the number in the file's name (or the name). Boxes are
/// corner, width and height in pixels of the original, to three decimals. Throws Error (kIo).
void write_coco_results(const std::filesystem::path& path, const std::vector<ImageRecord>& images,
                        const ImageIndex& index, const std::vector<std::int64_t>& categories);

}  // namespace gannet
