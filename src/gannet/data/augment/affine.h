// Random rotation, scale, translation, shear (RB 3.8) and perspective of an image and its boxes.
// Drawing the numbers is apart from applying them, so that recorded numbers can be applied.
#pragma once

#include <array>
#include <opencv2/core.hpp>
#include <vector>

#include "gannet/core/rng.h"
#include "gannet/data/augment/warp.h"
#include "gannet/data/sample/pixel_label.h"

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

/// Tilts of the picture's plane: how much the depth changes by pixel, to the right and downwards.
struct PerspectiveDraws {
  double x = 0, y = 0;
};

AffineDraws draw_affine(const AffineRanges& ranges, Rng& rng);

AffineMatrix affine_matrix(const AffineDraws& draws, cv::Size input, AffineBorder border);

PerspectiveDraws draw_perspective(double range, Rng& rng);

/// The affine matrix behind a tilt about the input's centre; mere affine without tilt.
PlaneMatrix plane_matrix(const AffineMatrix& affine, const PerspectiveDraws& tilt, cv::Size input);

/// Release 7.0's order (release-7.md 7.4): tilt, rotation with scale, and shear about the centre,
/// which then goes to the middle of the output, shifted by shares of the output's sides.
PlaneMatrix release7_matrix(const AffineDraws& draws, const PerspectiveDraws& tilt, cv::Size input,
                            cv::Size output);

/// Linear interpolation, grey 114 outside. Returns `image` itself where nothing would change.
cv::Mat warp_image(const cv::Mat& image, const AffineMatrix& matrix, AffineBorder border);

struct LabelWarp {
  PlaneMatrix matrix{1, 0, 0, 0, 1, 0, 0, 0, 1};
  cv::Size output;
  double scale = 1;              // by which areas count as grown: the draws' gain, 7.0: its square
  bool follow_outlines = false;  // boxes around the moved outlines where there are some
  double least_area_left = 0.2, max_aspect = 20;
};

/// Axis-aligned hulls of the moved boxes, clipped to the output. Those that became tiny (2 px or
/// less), thin or lost most of their area (of a box around a moved outline: 0.01 or less is left)
/// are dropped. Outlines move along.
std::vector<PixelLabel> warp_labels(const std::vector<PixelLabel>& labels, const LabelWarp& warp);
std::vector<PixelLabel> warp_labels(const std::vector<PixelLabel>& labels,
                                    const AffineMatrix& matrix, cv::Size output, double scale);

}  // namespace gannet
