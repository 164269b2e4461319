// Reading pictures as 8-bit BGR, upright. The only place that decodes files for training.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "gannet/core/image_shape.h"

namespace gannet {

/// Decodes a whole picture: 8 bits, three channels (BGR), EXIF rotation applied. Throws Error
/// (kData) naming the file when it cannot be read, is no picture, ends early or has more pixels
/// than max_image_pixels (see image_header.h): told by its header, before memory is taken.
cv::Mat decode_image(const std::string& path);

/// As above, from the bytes of the file; errors name `name`.
cv::Mat decode_image(const std::vector<std::uint8_t>& bytes, const std::string& name);

/// As decode_image, but a JPEG may come out 2, 4 or 8 times smaller, as long as its longer side
/// keeps `min_side` pixels: several times faster when the picture is shrunk anyway.
/// @param full size of the whole picture, upright
/// @param part what will be looked at, in shares of width and height; the rest of a JPEG may stay
///     undefined
cv::Mat decode_image_reduced(const std::string& path, cv::Size full, int min_side,
                             const cv::Rect2d& part = {0, 0, 1, 1});

/// From the header of the file. Throws Error (kData) as decode_image does.
ImageShape read_image_shape(const std::string& path);
cv::Size read_image_size(const std::string& path);

/// Whether the bytes of a JPEG reach its end marker.
bool is_jpeg_complete(const std::vector<std::uint8_t>& bytes);

}  // namespace gannet
