// Detections in COCO's results form: a list of {image_id, category_id, bbox, score}.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gannet/core/coco_boxes.h"

namespace gannet {

/// Reads the list in one pass; other keys are skipped. Ids may be whole numbers written as text.
/// Throws Error (kData) when the text is no such list (with the line if it is no JSON), and for a
/// detection without one of the four or with numbers that cannot be: not finite, a negative size.
/// @param path only for messages
std::vector<CocoDetection> parse_coco_detections(std::string_view text, const std::string& path);

/// As parse_coco_detections; throws Error (kIo) if the file cannot be read.
std::vector<CocoDetection> read_coco_detections(const std::string& path);

/// Writes the list, a detection per line, with all digits. Throws Error (kIo).
void write_coco_detections(const std::filesystem::path& path,
                           const std::vector<CocoDetection>& detections);

}  // namespace gannet
