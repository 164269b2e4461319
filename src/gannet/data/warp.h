// Affine warp with exact linear interpolation. OpenCV up to version 4 rounds coordinates to 1/32
// pixel, version 5 does not; doing it here gives the same pictures with either.
#pragma once

#include <array>
#include <cstdint>
#include <opencv2/core.hpp>

namespace gannet {

/// @param image   8-bit, three channels
/// @param matrix  row-major 2x3, from input to output pixels
/// @param grey    colour where the input does not reach
cv::Mat warp_affine(const cv::Mat& image, const std::array<double, 6>& matrix, cv::Size output,
                    std::uint8_t grey);

}  // namespace gannet
