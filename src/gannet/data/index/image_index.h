// The list of images of a data set with their sizes and labels, checked once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/data/index/index_options.h"

namespace gannet {

struct DataDescription;

struct IndexedImage {
  std::string path;
  int width = 0, height = 0;  // as displayed: EXIF rotation applied
  std::vector<Label> labels;
  /// Outlines in the order of `labels`, an empty one for an object that is known by its box alone;
  /// no entries at all when no object of the image has an outline.
  std::vector<Polygon> polygons = {};
  std::int64_t id = -1;  // the image's number in its annotation file; -1 without
  /// 1 for each of `labels` that is marked difficult (Pascal VOC); no entries when none is.
  std::vector<std::uint8_t> difficult = {};
  std::vector<Label> crowd = {};  // regions of many objects (COCO iscrowd): not labels
};

/// What was found and what was left out; every message names file and line.
struct IndexReport {
  std::int64_t found = 0, missing = 0, empty = 0, duplicate_rows = 0, corrupt = 0;
  std::int64_t crowd = 0;            // regions of many objects, not among the labels
  std::int64_t difficult = 0;        // labels that are marked so
  std::int64_t unlisted = 0;         // images that the annotation file does not speak of: left out
  std::int64_t absent = 0;           // images of the annotation file that the split does not have
  std::vector<std::string> foreign;  // pictures in formats that are not read
  std::int64_t subfolders = 0;       // of the split's folders, not searched
  std::vector<std::string> problems;
};

struct ImageIndex {
  std::vector<IndexedImage> images;
  /// Category number of the annotation file for each class, -1 for a class that the file lacks;
  /// empty: classes are their own numbers.
  std::vector<std::int64_t> category_ids;
  std::string source;  // which annotation format, found where: "COCO json FILE"
  IndexReport report;
  std::int64_t num_labels() const;
};

/// Finds images (folder, list file, COCO json, or several folders and lists; RB 3.1), reads their
/// sizes and labels. Corrupt images and label lines are named once and skipped. Throws Error
/// (kData) naming file and line for an empty list, a class id that is not below num_classes and a
/// class name that is not one of `names`.
ImageIndex build_image_index(const std::vector<std::string>& sources, const IndexOptions& options);

/// The same for "train", "val" or "test" of a data description: images, annotations, classes and
/// their names come from there, the rest from `options`. Throws also when it has no such split.
ImageIndex build_split_index(const DataDescription& data, const std::string& split,
                             IndexOptions options = {});

/// Gives a data description without names those of its COCO file, in the order of category ids.
/// Call it after load_data_description; it does nothing if there are names.
void complete_names(DataDescription& data);

/// The COCO json that the labels come from; empty where they come from elsewhere.
std::string coco_json_of(const ImageIndex& index);

/// Height / width of every image, as plan_rectangular wants them.
std::vector<double> aspect_ratios(const ImageIndex& index);

/// Says once what was found where and what was left out: one info line, then a warning a problem
/// (the first 20).
void log_report(const ImageIndex& index, const std::string& name);

}  // namespace gannet
