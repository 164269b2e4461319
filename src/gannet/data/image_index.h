// The list of images of a data set with their sizes and labels, checked once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gannet/core/box.h"

namespace gannet {

struct IndexedImage {
  std::string path;
  int width = 0, height = 0;  // as displayed: EXIF rotation applied
  std::vector<Label> labels;
  /// Outlines in the order of `labels`, an empty one for an object that is known by its box alone;
  /// no entries at all when no object of the image has an outline.
  std::vector<Polygon> polygons = {};
  std::int64_t id = -1;  // the image's number in its annotation file; -1 without
};

/// What was found and what was left out; every message names file and line.
struct IndexReport {
  std::int64_t found = 0, missing = 0, empty = 0, duplicate_rows = 0, corrupt = 0;
  std::vector<std::string> problems;
};

struct ImageIndex {
  std::vector<IndexedImage> images;
  /// Category number of the annotation file for each class; empty: classes are their own numbers.
  std::vector<std::int64_t> category_ids;
  IndexReport report;
  std::int64_t num_labels() const;
};

struct IndexOptions {
  int num_classes = 80;
  bool single_class = false;
  int num_threads = 2;
  bool use_cache = true;  // label cache in the user's cache folder
};

/// Finds images (folder, list file, or several of these; RB 3.1), reads their sizes and YOLO
/// labels. Corrupt images and label lines are named once and skipped; an empty list or a class id
/// that is not below num_classes is an Error (kData) naming file and line.
ImageIndex build_image_index(const std::vector<std::string>& sources, const IndexOptions& options);

/// Height / width of every image, as plan_rectangular wants them.
std::vector<double> aspect_ratios(const ImageIndex& index);

/// Says once what was found and left out: one info line, then a warning a problem (the first 20).
void log_report(const ImageIndex& index, const std::string& name);

/// Label file of an image: the last "images" path component becomes "labels", suffix ".txt" (RB
/// Q36).
std::string label_path(const std::string& image_path);

}  // namespace gannet
