// Random rotation, scale, translation and shear of an image and its boxes (RB 3.8). Drawing the
// numbers is apart from applying them, so that recorded numbers can be applied.
#pragma once

#include <array>
#include <opencv2/core.hpp>
#include <vector>

#include "gannet/core/rng.h"
#include "gannet/data/pixel_label.h"

namespace gannet {

/// Half-widths of the uniform ranges; scale is drawn around 1.
struct AffineRanges {
  double degrees = 0, translate = 0, scale = 0, shear = 0;
};

struct AffineDraws {
  double degrees = 0, scale = 1;
  double translate_x = 0, translate_y = 0;  // fractions of the image's width and height
  double shear_x = 0, shear_y = 0;          // degrees
};

/// Pixels added on every side; negative ones crop, as after a mosaic.
struct AffineBorder {
  int x = 0, y = 0;
};

/// Row-major 2x3 matrix from input to output pixels.
using AffineMatrix = std::array<double, 6>;

AffineDraws draw_affine(const AffineRanges& ranges, Rng& rng);

AffineMatrix affine_matrix(const AffineDraws& draws, cv::Size input, AffineBorder border);

/// Linear interpolation, grey 114 outside. Returns `image` itself where nothing would change.
cv::Mat warp_image(const cv::Mat& image, const AffineMatrix& matrix, AffineBorder border);

/// Axis-aligned hulls of the moved boxes, clipped to the output. Those that became tiny (2 px or
/// less), thin (20 : 1 or more) or lost most of their area (0.2 or less is left) are dropped.
/// @param scale scale gain of the draws
std::vector<PixelLabel> warp_labels(const std::vector<PixelLabel>& labels,
                                    const AffineMatrix& matrix, cv::Size output, double scale);

}  // namespace gannet
