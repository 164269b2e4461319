// Warps of a canvas with exact linear interpolation, row by row. OpenCV up to version 4 rounds
// coordinates to 1/32 pixel, version 5 does not; doing it here gives the same pictures with either,
// and reads the tiles of a mosaic where they are.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <opencv2/core.hpp>

#include "gannet/data/augment/canvas.h"

namespace gannet {

/// Row-major 3x3 matrix from input to output pixels, in homogeneous coordinates. The last row is
/// (0, 0, 1) for an affine warp.
using PlaneMatrix = std::array<double, 9>;

/// One output row after the other; each can be asked for once or more often.
class WarpedRows {
 public:
  virtual ~WarpedRows() = default;
  /// Writes the BGR pixels of row `y`.
  virtual void read(int y, std::uint8_t* bgr) = 0;
};

struct WarpOptions {
  int width = 0;         // of the output, px
  bool mirror = false;   // left to right
  bool general = false;  // also treat mere scaling pixel by pixel: slower, same bytes (for tests)
};

/// Grey 114 where the canvas does not reach. The canvas must live as long as the result.
std::unique_ptr<WarpedRows> warp_rows(const Canvas& canvas, const PlaneMatrix& matrix,
                                      const WarpOptions& options);

/// A whole image.
cv::Mat warp_canvas(const Canvas& canvas, const PlaneMatrix& matrix, cv::Size output);

/// @param image   8-bit, three channels
/// @param matrix  row-major 2x3, from input to output pixels
cv::Mat warp_affine(const cv::Mat& image, const std::array<double, 6>& matrix, cv::Size output);

/// Rows of a warp that only scales and shifts: columns and rows are interpolated one after the
/// other, each column's weights computed once. @param back 3x3 from output to input pixels
std::unique_ptr<WarpedRows> scaled_rows(const Canvas& canvas, const std::array<float, 9>& back,
                                        const WarpOptions& options);

}  // namespace gannet
