#include "gannet/data/affine.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "gannet/data/warp.h"

namespace gannet {
namespace {

constexpr double kEpsilon = 1e-16;
constexpr double kMinSide_px = 2;
constexpr double kMinAreaLeft = 0.2;
constexpr double kMaxAspect = 20;
constexpr std::uint8_t kGrey = 114;

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

bool worth_keeping(const PixelLabel& before, double width, double height, double scale) {
  const double area_before = double{before.box_px.area()};
  const double aspect = std::max(width / (height + kEpsilon), height / (width + kEpsilon));
  return width > kMinSide_px && height > kMinSide_px &&
         width * height / (area_before * scale + kEpsilon) > kMinAreaLeft && aspect < kMaxAspect;
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

cv::Mat warp_image(const cv::Mat& image, const AffineMatrix& matrix, AffineBorder border) {
  constexpr AffineMatrix kIdentity = {1, 0, 0, 0, 1, 0};
  if (border.x == 0 && border.y == 0 && matrix == kIdentity) return image;
  return warp_affine(image, matrix, {image.cols + 2 * border.x, image.rows + 2 * border.y}, kGrey);
}

std::vector<PixelLabel> warp_labels(const std::vector<PixelLabel>& labels,
                                    const AffineMatrix& matrix, cv::Size output, double scale) {
  std::vector<PixelLabel> result;
  for (const PixelLabel& label : labels) {
    const Box& box = label.box_px;
    const std::array<double, 4> xs = {box.x1, box.x2, box.x1, box.x2};
    const std::array<double, 4> ys = {box.y1, box.y2, box.y2, box.y1};
    std::array<double, 4> moved_xs, moved_ys;
    for (std::size_t i = 0; i < 4; ++i) {
      moved_xs[i] = matrix[0] * xs[i] + matrix[1] * ys[i] + matrix[2];
      moved_ys[i] = matrix[3] * xs[i] + matrix[4] * ys[i] + matrix[5];
    }
    const auto clip_x = [&](double x) { return std::clamp(x, 0.0, double(output.width)); };
    const auto clip_y = [&](double y) { return std::clamp(y, 0.0, double(output.height)); };
    const auto [left, right] = std::minmax_element(moved_xs.begin(), moved_xs.end());
    const auto [top, bottom] = std::minmax_element(moved_ys.begin(), moved_ys.end());
    const double x1 = clip_x(*left), x2 = clip_x(*right);
    const double y1 = clip_y(*top), y2 = clip_y(*bottom);
    if (!worth_keeping(label, x2 - x1, y2 - y1, scale)) continue;
    result.push_back({label.class_id,
                      {static_cast<float>(x1), static_cast<float>(y1), static_cast<float>(x2),
                       static_cast<float>(y2)}});
  }
  return result;
}

}  // namespace gannet
