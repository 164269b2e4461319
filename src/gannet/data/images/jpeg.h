// JPEG by libjpeg itself: it can leave out the rows and columns that nobody looks at, and OpenCV 4
// spends as long on swapping red and blue as on decoding.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

namespace gannet {

/// Decodes to BGR, 1, 2, 4 or 8 times smaller, with the bytes that OpenCV gives. What lies outside
/// of `part` (in shares of width and height) may stay undefined. An empty image stands for a
/// picture that is left to OpenCV: with unusual colours, or damaged. EXIF rotation is ignored.
cv::Mat decode_jpeg(const std::vector<std::uint8_t>& bytes, int divisor, const cv::Rect2d& part);

}  // namespace gannet
