// COCO instances json: images, categories and annotations as the file says them, in pixels.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gannet {

struct CocoImage {
  std::int64_t id = -1;
  std::string file_name;
  int width = 0, height = 0;  // px; 0: not said
};

struct CocoCategory {
  std::int64_t id = -1;
  std::string name;
};

struct CocoObject {
  std::int64_t id = -1, image_id = -1, category_id = -1;
  std::array<double, 4> box_px = {};  // left, top, width, height
  /// Polygons of the object, each x1 y1 x2 y2 ... in px; none when it is a run-length mask.
  std::vector<std::vector<double>> parts;
  bool is_crowd = false;
  bool is_difficult = false;  // not of COCO: what converting Pascal VOC keeps
  double area_px = -1;        // square pixels, of the outline; -1: not said
};

/// What a file says, in its order; only what can be used.
struct CocoFile {
  std::vector<CocoImage> images;
  std::vector<CocoCategory> categories;
  std::vector<CocoObject> objects;
  std::vector<std::string> problems;  // "path: annotation 7: what", one for each entry left out
};

/// Reads the three lists in one pass without building a document; other keys are skipped. Entries
/// without number, name, box and the like are named in `problems` and left out.
/// Throws Error (kData) with the line when the text is no JSON or nested more than 64 deep, and
/// when it has no list of images.
/// @param path only for messages
CocoFile parse_coco(std::string_view text, const std::string& path);

/// As parse_coco; throws Error (kData) for a file above 4 GiB and Error (kIo) if it cannot be read.
CocoFile read_coco(const std::string& path);

}  // namespace gannet
