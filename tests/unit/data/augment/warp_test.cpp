// One warp from the tiles against two steps: canvas first, then the warp of an image.
#include "gannet/data/augment/warp.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "gannet/core/rng.h"
#include "gannet/data/augment/affine.h"
#include "gannet/data/augment/mosaic.h"

namespace gannet {
namespace {

cv::Mat noise(int width, int height) {
  cv::Mat image(height, width, CV_8UC3);
  cv::randu(image, 0, 256);
  return image;
}

/// A mosaic of four pictures of noise, canvas 96 x 96.
Canvas random_mosaic(Rng& rng) {
  std::array<Sample, 4> tiles;
  for (Sample& tile : tiles) {
    tile.image = noise(static_cast<int>(rng.below(40)) + 9, static_cast<int>(rng.below(40)) + 9);
  }
  return compose_mosaic(tiles, draw_mosaic(48, 4, rng), 48).canvas;
}

cv::Mat read_all(const Canvas& canvas, const PlaneMatrix& matrix, cv::Size size,
                 const WarpOptions& options) {
  const auto rows = warp_rows(canvas, matrix, options);
  cv::Mat image(size, CV_8UC3);
  for (int y = 0; y < size.height; ++y) rows->read(y, image.ptr(y));
  return image;
}

PlaneMatrix random_matrix(const AffineRanges& ranges, double perspective, cv::Size canvas,
                          Rng& rng) {
  const AffineDraws draws = draw_affine(ranges, rng);
  const PerspectiveDraws tilt = draw_perspective(perspective, rng);
  return plane_matrix(affine_matrix(draws, canvas, {-24, -24}), tilt, canvas);
}

TEST(Warp, TilesEqualTheirCanvas) {
  const cv::Size size(48, 48);
  for (std::uint64_t round = 0; round < 300; ++round) {
    Rng rng({round, 0, 0, Purpose::kTest});
    const Canvas canvas = random_mosaic(rng);
    const bool only_scales = round % 3 == 0;
    const AffineRanges ranges =
        only_scales ? AffineRanges{0, 0.2, 0.9, 0} : AffineRanges{180, 0.2, 0.9, 20};
    const PlaneMatrix matrix =
        random_matrix(ranges, round % 3 == 1 ? 0.002 : 0, canvas.size(), rng);
    const cv::Mat image = canvas.image();
    const cv::Mat two_steps = read_all(Canvas(image), matrix, size, {.width = 48, .general = true});
    EXPECT_EQ(cv::norm(warp_canvas(canvas, matrix, size), two_steps, cv::NORM_INF), 0) << round;
    cv::Mat mirrored = read_all(canvas, matrix, size, {.width = 48, .mirror = true});
    cv::flip(mirrored, mirrored, 1);
    EXPECT_EQ(cv::norm(mirrored, two_steps, cv::NORM_INF), 0) << round;
  }
}

TEST(Warp, ScalingEqualsTheGeneralWay) {
  for (std::uint64_t round = 0; round < 300; ++round) {
    Rng rng({round, 1, 0, Purpose::kTest});
    const cv::Size size(static_cast<int>(rng.below(50)) + 1, static_cast<int>(rng.below(50)) + 1);
    const Canvas canvas(noise(static_cast<int>(rng.below(60)) + 1, 37));
    const double scale = round % 10 == 0 ? 1 : rng.uniform(-2, 3);  // mirrored ones, too
    const double shift = round % 20 == 0 ? 3 : rng.uniform(-30, 30);
    const PlaneMatrix matrix = {scale, 0, shift, 0, rng.uniform(0.1, 4), -shift, 0, 0, 1};
    const cv::Mat fast = read_all(canvas, matrix, size, {.width = size.width});
    const cv::Mat general = read_all(canvas, matrix, size, {.width = size.width, .general = true});
    EXPECT_EQ(cv::norm(fast, general, cv::NORM_INF), 0) << round;
  }
}

TEST(Warp, RowsComeInAnyOrder) {
  const Canvas canvas(noise(20, 20));
  const PlaneMatrix matrix = {1.3, 0, 0.4, 0, 1.3, -2, 0, 0, 1};
  const cv::Mat expected = warp_canvas(canvas, matrix, {20, 20});
  const auto rows = warp_rows(canvas, matrix, {.width = 20});
  std::vector<std::uint8_t> row(60);
  for (const int y : {19, 3, 4, 3, 0, 10}) {
    rows->read(y, row.data());
    EXPECT_TRUE(std::equal(row.begin(), row.end(), expected.ptr(y))) << y;
  }
}

TEST(Warp, MovesByHalfAPixel) {
  cv::Mat image(1, 4, CV_8UC3, cv::Scalar::all(0));
  image.at<cv::Vec3b>(0, 1) = {100, 200, 50};
  const cv::Mat warped = warp_affine(image, {1, 0, 0.5, 0, 1, 0}, {5, 1});
  EXPECT_EQ(warped.at<cv::Vec3b>(0, 0), cv::Vec3b(57, 57, 57));  // half of it from outside
  EXPECT_EQ(warped.at<cv::Vec3b>(0, 1), cv::Vec3b(50, 100, 25));
  EXPECT_EQ(warped.at<cv::Vec3b>(0, 2), cv::Vec3b(50, 100, 25));
  EXPECT_EQ(warped.at<cv::Vec3b>(0, 4), cv::Vec3b(57, 57, 57));
}

TEST(Warp, SingularAndHugeMatricesAreHarmless) {
  const cv::Mat image(8, 8, CV_8UC3, cv::Scalar::all(7));
  EXPECT_EQ(warp_affine(image, {0, 0, 0, 0, 0, 0}, {4, 4}).size(), cv::Size(4, 4));
  for (const double shear : {0.0, 1e-13}) {
    const cv::Mat far = warp_affine(image, {1e-12, shear, 0, 0, 1e-12, 0}, {4, 4});
    EXPECT_EQ(far.at<cv::Vec3b>(3, 3), cv::Vec3b(114, 114, 114));
  }
}

TEST(Perspective, CentreStaysAndOneSideShrinks) {
  const AffineMatrix none = {1, 0, 0, 0, 1, 0};
  const PlaneMatrix matrix = plane_matrix(none, {0.001, 0}, {200, 100});
  const LabelWarp warp{matrix, {200, 100}, 1, false};
  const auto moved =
      warp_labels({{0, {90, 40, 110, 60}}, {1, {10, 40, 30, 60}}, {2, {170, 40, 190, 60}}}, warp);
  ASSERT_EQ(moved.size(), 3);
  const auto center_x = [](const Box& box) { return (box.x1 + box.x2) / 2; };
  EXPECT_NEAR(center_x(moved[0].box_px), 100, 0.2);
  EXPECT_GT(moved[1].box_px.height(), 20);                 // nearer: depth 0.92
  EXPECT_LT(moved[2].box_px.height(), 20);                 // farther: depth 1.08
  EXPECT_NEAR(moved[1].box_px.x1, 100 - 90 / 0.91, 1e-3);  // (10 - 100) / (1 - 0.09) + 100
}

TEST(Outlines, BoxFollowsTheTurnedOutline) {
  // A diamond turned by 45 degrees is a square of side 20 sqrt 2 / 2; its box turned would be twice
  // as wide.
  PixelLabel diamond{0, {40, 40, 60, 60}, {{50, 40}, {60, 50}, {50, 60}, {40, 50}}};
  AffineDraws draws;
  draws.degrees = 45;
  const AffineMatrix affine = affine_matrix(draws, {100, 100}, {});
  LabelWarp warp{plane_matrix(affine, {}, {100, 100}), {100, 100}, 1, false};
  EXPECT_NEAR(warp_labels({diamond}, warp).at(0).box_px.width(), 28.284, 1e-2);
  warp.follow_outlines = true;
  const PixelLabel moved = warp_labels({diamond}, warp).at(0);
  EXPECT_NEAR(moved.box_px.width(), 14.142, 1e-2);
  EXPECT_NEAR(moved.outline_px.at(0)[0], 50 - 7.071, 1e-2);  // the top corner, turned to the left
  EXPECT_NEAR(moved.outline_px.at(0)[1], 50 - 7.071, 1e-2);
}

}  // namespace
}  // namespace gannet
