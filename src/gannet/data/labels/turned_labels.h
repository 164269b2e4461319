// Annotations made before a picture's EXIF rotation was applied: their boxes lie in the picture as
// it is stored, and are turned with it.
#pragma once

#include <cstdint>

#include "gannet/core/image_shape.h"
#include "gannet/data/labels/label_file.h"

namespace gannet {

/// The EXIF orientation that leads from the size that an annotation says to that of the upright
/// picture: 5 to 8 where the two are swapped and the picture is turned, else 1.
std::uint32_t turn_from(int said_width, int said_height, const ImageShape& image);

/// Boxes, outlines and crowd regions of a stored picture as they lie in the upright one.
/// @param orientation 5 to 8; others change nothing
void turn_labels(ParsedLabels& parsed, std::uint32_t orientation);

}  // namespace gannet
