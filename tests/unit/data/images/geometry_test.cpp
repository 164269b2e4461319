// Letterbox, affine, mosaic and resize: numbers for the head, and properties.
#include <gtest/gtest.h>

#include "gannet/core/rng.h"
#include "gannet/data/augment/affine.h"
#include "gannet/data/augment/mosaic.h"
#include "gannet/data/images/letterbox.h"
#include "gannet/data/images/resize.h"

namespace gannet {
namespace {

TEST(Resize, LongerSideBecomesTheSize) {
  EXPECT_EQ(scaled_size({640, 480}, 320), cv::Size(320, 240));
  EXPECT_EQ(scaled_size({48, 80}, 112), cv::Size(67, 112));  // 67.2, truncated
  EXPECT_EQ(scaled_size({2000, 2}, 320), cv::Size(320, 1));  // never empty
  const cv::Mat image(30, 40, CV_8UC3, cv::Scalar::all(9));
  EXPECT_EQ(resize_to_side(image, {40, 30}, 40, false).data, image.data);
}

TEST(Letterbox, ReferenceNumbers) {  // RB B.7
  const auto shape = [](int height, int width, int side) {
    return letterbox_geometry({width, height}, {.height = side, .width = side, .minimal = true})
        .outer;
  };
  EXPECT_EQ(shape(1080, 810, 640), cv::Size(512, 640));
  EXPECT_EQ(shape(720, 1280, 640), cv::Size(640, 384));
  EXPECT_EQ(shape(375, 500, 416), cv::Size(416, 352));
  const LetterboxGeometry square = letterbox_geometry({640, 427}, {.height = 640, .width = 640});
  EXPECT_EQ(square.gain, 1);
  EXPECT_EQ(square.pad_h, 106.5);
  EXPECT_EQ(square.top, 106);  // 107 below
}

TEST(Letterbox, MinimalShapesFitEveryStride) {
  for (const int stride : {64, 128}) {
    for (int height = 100; height < 1300; height += 37) {
      const cv::Size outer =
          letterbox_geometry({1300, height},
                             {.height = 1280, .width = 1280, .minimal = true, .multiple = stride})
              .outer;
      EXPECT_EQ(outer.width, 1280);
      EXPECT_EQ(outer.height % stride, 0) << height;
      EXPECT_GE(outer.height, height * 1280 / 1300);
      EXPECT_LT(outer.height, height * 1280 / 1300 + 1 + stride);
    }
  }
}

TEST(Letterbox, PadsWithGrey) {
  const cv::Mat image(10, 20, CV_8UC3, cv::Scalar(1, 2, 3));
  const cv::Mat boxed = letterbox(image, letterbox_geometry({20, 10}, {.height = 20, .width = 20}));
  ASSERT_EQ(boxed.size(), cv::Size(20, 20));
  EXPECT_EQ(boxed.at<cv::Vec3b>(4, 0), cv::Vec3b(114, 114, 114));
  EXPECT_EQ(boxed.at<cv::Vec3b>(5, 0), cv::Vec3b(1, 2, 3));
  EXPECT_EQ(boxed.at<cv::Vec3b>(15, 19), cv::Vec3b(114, 114, 114));
}

TEST(Letterbox, UndoneGivesTheBoxBack) {
  Rng rng({1, 0, 0, Purpose::kTest});
  for (int i = 0; i < 200; ++i) {
    const cv::Size image(static_cast<int>(rng.below(900)) + 100,
                         static_cast<int>(rng.below(900)) + 100);
    const LetterboxGeometry geometry =
        letterbox_geometry(image, {.height = 416, .width = 640, .scale_up = i % 2 == 0});
    const Label label{0, 0.5F, 0.4F, static_cast<float>(rng.uniform(0.1, 0.5)), 0.3F};
    const auto moved =
        to_pixels({label}, {geometry.gain * image.width, geometry.gain * image.height,
                            geometry.pad_w, geometry.pad_h});
    const LetterboxRecord record{image.height,  image.width,    geometry.gain,
                                 geometry.gain, geometry.pad_w, geometry.pad_h};
    const Box back = to_original(moved[0].box_px, record);
    const Box expected =
        to_pixels({label}, {double(image.width), double(image.height), 0, 0})[0].box_px;
    EXPECT_NEAR(back.x1, expected.x1, 1e-2);
    EXPECT_NEAR(back.y1, expected.y1, 1e-2);
    EXPECT_NEAR(back.x2, expected.x2, 1e-2);
    EXPECT_NEAR(back.y2, expected.y2, 1e-2);
  }
}

TEST(Affine, MatrixWithBorder) {  // RB B.7
  AffineDraws draws;
  draws.scale = 0.75;
  const AffineMatrix matrix = affine_matrix(draws, {128, 128}, {-32, -32});
  EXPECT_EQ(matrix, (AffineMatrix{0.75, 0, -16, 0, 0.75, -16}));
  const auto moved =
      warp_labels({{0, {10, 10, 60, 50}}, {1, {50, 60, 90, 90}}}, matrix, {64, 64}, 0.75);
  ASSERT_EQ(moved.size(), 2);
  EXPECT_FLOAT_EQ(moved[0].box_px.x2, 29);
  EXPECT_FLOAT_EQ(moved[0].box_px.y2, 21.5F);
  EXPECT_FLOAT_EQ(moved[1].box_px.x1, 21.5F);
  EXPECT_FLOAT_EQ(moved[1].box_px.y1, 29);
}

TEST(Affine, DropsTinyThinAndLostBoxes) {
  const AffineMatrix identity = {1, 0, 0, 0, 1, 0};
  const auto kept = [&](const Box& box) {
    return warp_labels({{0, box}}, identity, {100, 100}, 1).size() == 1;
  };
  EXPECT_TRUE(kept({10, 10, 20, 20}));
  EXPECT_FALSE(kept({10, 10, 12, 20}));   // 2 px wide
  EXPECT_FALSE(kept({10, 10, 13, 70}));   // 20 : 1
  EXPECT_FALSE(kept({-90, 10, 10, 60}));  // a tenth is left
  EXPECT_TRUE(kept({-10, 10, 10, 60}));   // half is left
  EXPECT_FALSE(kept({10, 10, 10, 10}));   // no area
}

TEST(Affine, IdentityCopiesNothing) {
  const cv::Mat image(20, 30, CV_8UC3, cv::Scalar::all(5));
  const AffineMatrix matrix = affine_matrix({}, image.size(), {});
  EXPECT_EQ(warp_image(image, matrix, {}).data, image.data);
}

TEST(Affine, BoxesStayInside) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    Rng rng({2, 0, i, Purpose::kTest});
    const AffineDraws draws = draw_affine({30, 0.3, 0.6, 15}, rng);
    const AffineMatrix matrix = affine_matrix(draws, {200, 120}, {-20, -10});
    const float x = static_cast<float>(rng.uniform(0, 150));
    const float y = static_cast<float>(rng.uniform(0, 80));
    for (const PixelLabel& label :
         warp_labels({{0, {x, y, x + 50, y + 40}}}, matrix, {160, 100}, draws.scale)) {
      EXPECT_GE(label.box_px.x1, 0);
      EXPECT_GE(label.box_px.y1, 0);
      EXPECT_LE(label.box_px.x2, 160);
      EXPECT_LE(label.box_px.y2, 100);
      EXPECT_GT(label.box_px.area(), 0);
    }
  }
}

TEST(Mosaic, ReferencePlacements) {  // RB B.7
  MosaicDraws draws;
  draws.center_x = 70;
  draws.center_y = 50;
  const std::array<cv::Size, 4> tiles = {cv::Size{64, 48}, {64, 48}, {48, 64}, {64, 64}};
  const std::array<cv::Rect, 4> expected = {
      cv::Rect{6, 2, 64, 48}, {70, 2, 58, 48}, {22, 50, 48, 64}, {70, 50, 58, 64}};
  const std::array<cv::Point, 4> offsets = {cv::Point{6, 2}, {70, 2}, {22, 50}, {70, 50}};
  for (std::size_t i = 0; i < 4; ++i) {
    const MosaicPlacement place = place_tile(static_cast<int>(i), tiles[i], draws, 64);
    EXPECT_EQ(place.canvas, expected[i]) << i;
    EXPECT_EQ(place.offset(), offsets[i]) << i;
  }
}

TEST(Mosaic, LabelsStayOnTheCanvas) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    Rng rng({3, 0, i, Purpose::kMosaic});
    const MosaicDraws draws = draw_mosaic(32, 10, rng);
    EXPECT_GE(draws.center_x, 16);
    EXPECT_LT(draws.center_x, 48);
    std::array<Sample, 4> tiles;
    for (Sample& tile : tiles) {
      tile.image = cv::Mat(static_cast<int>(rng.below(31)) + 1, 32, CV_8UC3, cv::Scalar::all(1));
      tile.labels = {{0, 0.5F, 0.5F, 1, 1}};
    }
    const Scene canvas = compose_mosaic(tiles, draws, 32);
    ASSERT_EQ(canvas.labels.size(), 4);
    for (const PixelLabel& label : canvas.labels) {
      EXPECT_GE(label.box_px.x1, 0);
      EXPECT_LE(label.box_px.x2, 64);
      EXPECT_GE(label.box_px.y1, 0);
      EXPECT_LE(label.box_px.y2, 64);
    }
  }
}

TEST(PixelLabels, ThereAndBack) {
  const Label label{2, 0.5F, 0.25F, 0.5F, 0.25F};
  const auto pixels = to_pixels({label}, {80, 40, 0, 0});
  EXPECT_FLOAT_EQ(pixels[0].box_px.x1, 20);
  EXPECT_FLOAT_EQ(pixels[0].box_px.y1, 5);
  EXPECT_FLOAT_EQ(pixels[0].box_px.x2, 60);
  EXPECT_FLOAT_EQ(pixels[0].box_px.y2, 15);
  EXPECT_EQ(to_labels(pixels, 80, 40)[0], label);
}

TEST(PixelLabels, OutlinesGoAlong) {
  const std::vector<Label> labels = {{0, 0.5F, 0.5F, 1, 1}, {1, 0.5F, 0.5F, 0.5F, 0.5F}};
  const std::vector<Polygon> polygons = {{}, {{0.25F, 0.5F}, {0.75F, 0.5F}, {0.5F, 0.75F}}};
  const auto pixels = to_pixels(labels, {80, 40, 10, 0}, polygons);
  EXPECT_TRUE(pixels[0].outline_px.empty());
  EXPECT_EQ(pixels[1].outline_px, (Polygon{{30, 20}, {70, 20}, {50, 30}}));
  EXPECT_EQ(to_polygons(pixels, 100, 40)[1][0], (std::array<float, 2>{0.3F, 0.5F}));
  EXPECT_TRUE(to_polygons({{0, {1, 2, 3, 4}}}, 100, 40).empty());  // none rather than empty ones
}

}  // namespace
}  // namespace gannet
