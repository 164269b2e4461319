#include "gannet/data/augment/affine.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace gannet {
namespace {

constexpr double kEpsilon = 1e-16;
constexpr double kMinSide_px = 2;
constexpr double kMinAreaLeftOfOutline = 0.01;  // its box is tighter than the one before

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

/// A box in double precision; nothing when x2 <= x1.
struct Extent {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};

std::array<double, 2> moved_point(const PlaneMatrix& m, double x, double y) {
  const double to_x = m[0] * x + m[1] * y + m[2], to_y = m[3] * x + m[4] * y + m[5];
  if (m[6] == 0 && m[7] == 0) return {to_x, to_y};
  const double depth = m[6] * x + m[7] * y + m[8];
  return {to_x / depth, to_y / depth};
}

/// Hull of the moved corners, clipped.
Extent box_extent(const PixelLabel& label, const LabelWarp& warp) {
  const Box& box = label.box_px;
  const std::array<std::array<double, 2>, 4> corners = {
      moved_point(warp.matrix, box.x1, box.y1), moved_point(warp.matrix, box.x2, box.y2),
      moved_point(warp.matrix, box.x1, box.y2), moved_point(warp.matrix, box.x2, box.y1)};
  const auto clip_x = [&](double x) { return std::clamp(x, 0.0, double(warp.output.width)); };
  const auto clip_y = [&](double y) { return std::clamp(y, 0.0, double(warp.output.height)); };
  const auto by_y = [](const auto& a, const auto& b) { return a[1] < b[1]; };
  const auto [left, right] = std::minmax_element(corners.begin(), corners.end());
  const auto [top, bottom] = std::minmax_element(corners.begin(), corners.end(), by_y);
  return {clip_x((*left)[0]), clip_y((*top)[1]), clip_x((*right)[0]), clip_y((*bottom)[1])};
}

/// Hull of those points of the moved outline that lie in the output. The outline is sampled
/// densely first, so that long edges are not lost with their ends.
Extent outline_extent(const PixelLabel& label, const LabelWarp& warp) {
  constexpr int kPoints = 1000;
  const Polygon& outline = label.outline_px;
  const int per_edge = std::max(1, kPoints / static_cast<int>(outline.size()));
  Extent extent{double(warp.output.width), double(warp.output.height), 0, 0};
  for (std::size_t i = 0; i < outline.size(); ++i) {
    const auto& from = outline[i];
    const auto& to = outline[(i + 1) % outline.size()];
    for (int step = 0; step < per_edge; ++step) {
      const double share = static_cast<double>(step) / per_edge;
      const auto [x, y] = moved_point(warp.matrix, from[0] + share * (double{to[0]} - from[0]),
                                      from[1] + share * (double{to[1]} - from[1]));
      if (!(x >= 0 && y >= 0 && x <= warp.output.width && y <= warp.output.height)) continue;
      extent = {std::min(extent.x1, x), std::min(extent.y1, y), std::max(extent.x2, x),
                std::max(extent.y2, y)};
    }
  }
  return extent;
}

bool worth_keeping(const PixelLabel& before, const Extent& after, const LabelWarp& warp,
                   bool by_outline) {
  const double width = after.x2 - after.x1, height = after.y2 - after.y1;
  const double area_before = double{before.box_px.area()};
  const double aspect = std::max(width / (height + kEpsilon), height / (width + kEpsilon));
  const double least_left = by_outline ? kMinAreaLeftOfOutline : warp.least_area_left;
  return width > kMinSide_px && height > kMinSide_px &&
         width * height / (area_before * warp.scale + kEpsilon) > least_left &&
         aspect < warp.max_aspect;
}

}  // namespace

AffineDraws draw_affine(const AffineRanges& ranges, Rng& rng) {
  // One statement a number: the order of draws is part of the results.
  AffineDraws draws;
  draws.degrees = rng.uniform(-ranges.degrees, ranges.degrees);
  draws.scale = rng.uniform(1 - ranges.scale, 1 + ranges.scale);
  draws.translate_x = rng.uniform(-ranges.translate, ranges.translate);
  draws.translate_y = rng.uniform(-ranges.translate, ranges.translate);
  draws.shear_x = rng.uniform(-ranges.shear, ranges.shear);
  draws.shear_y = rng.uniform(-ranges.shear, ranges.shear);
  return draws;
}

AffineMatrix affine_matrix(const AffineDraws& draws, cv::Size input, AffineBorder border) {
  const double alpha = draws.scale * std::cos(radians(draws.degrees));
  const double beta = draws.scale * std::sin(radians(draws.degrees));
  const double center_x = input.width / 2.0, center_y = input.height / 2.0;
  // Rotation and scale about the centre, then the translation.
  const AffineMatrix moved = {
      alpha,
      beta,
      (1 - alpha) * center_x - beta * center_y + draws.translate_x * input.width + border.x,
      -beta,
      alpha,
      beta * center_x + (1 - alpha) * center_y + draws.translate_y * input.height + border.y};
  const double shear_x = std::tan(radians(draws.shear_x));
  const double shear_y = std::tan(radians(draws.shear_y));
  AffineMatrix matrix;
  for (std::size_t column = 0; column < 3; ++column) {
    matrix[column] = moved[column] + shear_x * moved[3 + column];
    matrix[3 + column] = shear_y * moved[column] + moved[3 + column];
  }
  return matrix;
}

PerspectiveDraws draw_perspective(double range, Rng& rng) {
  PerspectiveDraws draws;
  draws.x = rng.uniform(-range, range);
  draws.y = rng.uniform(-range, range);
  return draws;
}

PlaneMatrix plane_matrix(const AffineMatrix& affine, const PerspectiveDraws& tilt, cv::Size input) {
  const AffineMatrix& m = affine;
  const PlaneMatrix plain = {m[0], m[1], m[2], m[3], m[4], m[5], 0, 0, 1};
  if (tilt.x == 0 && tilt.y == 0) return plain;
  const double cx = input.width / 2.0, cy = input.height / 2.0;
  const cv::Matx33d from_center(1, 0, cx, 0, 1, cy, 0, 0, 1),
      to_center(1, 0, -cx, 0, 1, -cy, 0, 0, 1);
  const cv::Matx33d tilted(1, 0, 0, 0, 1, 0, tilt.x, tilt.y, 1);
  const cv::Matx33d product = cv::Matx33d(plain.data()) * from_center * tilted * to_center;
  PlaneMatrix matrix;
  std::copy(std::begin(product.val), std::end(product.val), matrix.begin());
  return matrix;
}

PlaneMatrix release7_matrix(const AffineDraws& draws, const PerspectiveDraws& tilt, cv::Size input,
                            cv::Size output) {
  const cv::Matx33d centred(1, 0, -input.width / 2.0, 0, 1, -input.height / 2.0, 0, 0, 1);
  const cv::Matx33d tilted(1, 0, 0, 0, 1, 0, tilt.x, tilt.y, 1);
  const double cosine = draws.scale * std::cos(radians(draws.degrees));
  const double sine = draws.scale * std::sin(radians(draws.degrees));
  const cv::Matx33d turned(cosine, sine, 0, -sine, cosine, 0, 0, 0, 1);
  const cv::Matx33d sheared(1, std::tan(radians(draws.shear_x)), 0,
                            std::tan(radians(draws.shear_y)), 1, 0, 0, 0, 1);
  const cv::Matx33d moved(1, 0, (0.5 + draws.translate_x) * output.width, 0, 1,
                          (0.5 + draws.translate_y) * output.height, 0, 0, 1);
  const cv::Matx33d product = moved * sheared * turned * tilted * centred;
  PlaneMatrix matrix;
  std::copy(std::begin(product.val), std::end(product.val), matrix.begin());
  return matrix;
}

cv::Mat warp_image(const cv::Mat& image, const AffineMatrix& matrix, AffineBorder border) {
  constexpr AffineMatrix kIdentity = {1, 0, 0, 0, 1, 0};
  if (border.x == 0 && border.y == 0 && matrix == kIdentity) return image;
  return warp_affine(image, matrix, {image.cols + 2 * border.x, image.rows + 2 * border.y});
}

std::vector<PixelLabel> warp_labels(const std::vector<PixelLabel>& labels, const LabelWarp& warp) {
  std::vector<PixelLabel> result;
  for (const PixelLabel& label : labels) {
    const bool by_outline = warp.follow_outlines && !label.outline_px.empty();
    const Extent extent = by_outline ? outline_extent(label, warp) : box_extent(label, warp);
    if (!worth_keeping(label, extent, warp, by_outline)) continue;
    PixelLabel moved{label.class_id,
                     {static_cast<float>(extent.x1), static_cast<float>(extent.y1),
                      static_cast<float>(extent.x2), static_cast<float>(extent.y2)}};
    for (const auto& [x, y] : label.outline_px) {
      const auto [to_x, to_y] = moved_point(warp.matrix, x, y);
      moved.outline_px.push_back({static_cast<float>(to_x), static_cast<float>(to_y)});
    }
    result.push_back(clip(std::move(moved), warp.output.width, warp.output.height));
  }
  return result;
}

std::vector<PixelLabel> warp_labels(const std::vector<PixelLabel>& labels,
                                    const AffineMatrix& matrix, cv::Size output, double scale) {
  return warp_labels(labels,
                     {.matrix = plane_matrix(matrix, {}, {}), .output = output, .scale = scale});
}

}  // namespace gannet
