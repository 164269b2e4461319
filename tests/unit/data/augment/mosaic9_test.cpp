#include "gannet/data/augment/mosaic9.h"

#include <gtest/gtest.h>

namespace gannet {
namespace {

TEST(Mosaic9, SquareTilesMakeAGrid) {
  std::array<cv::Size, 9> sizes;
  sizes.fill({10, 10});
  const auto corners = place_tiles9(sizes, {}, 10);
  const std::array<cv::Point, 9> expected = {
      cv::Point{10, 10}, {10, 0}, {20, 0}, {20, 10}, {20, 20}, {10, 20}, {0, 20}, {0, 10}, {0, 0}};
  EXPECT_EQ(corners, expected);
}

TEST(Mosaic9, NeighboursTouch) {
  const std::array<cv::Size, 9> sizes = {cv::Size{10, 8}, {6, 10}, {10, 4}, {7, 10}, {10, 9},
                                         {5, 10},         {10, 6}, {8, 10}, {10, 3}};
  Mosaic9Draws draws;
  draws.offset_x = 3;
  draws.offset_y = 4;
  const auto corners = place_tiles9(sizes, draws, 10);
  const std::array<cv::Point, 9> expected = {
      cv::Point{10, 10},
      {10, 0},  // middle; above it
      {16, 6},  // right of that, 4 high
      {20, 10},
      {20, 20},  // right of the middle; below that
      {15, 18},
      {5, 18},  // below the middle, ends with it; left of that
      {2, 8},
      {0, 5}};  // left of the middle, ends with it; above that
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(corners[i], expected[i] - cv::Point(3, 4)) << i;
}

TEST(Mosaic9, LabelsStayOnTheCanvas) {
  for (std::uint64_t i = 0; i < 50; ++i) {
    Rng rng({3, 0, i, Purpose::kMosaic9});
    const Mosaic9Draws draws = draw_mosaic9(32, 10, rng);
    EXPECT_LT(draws.offset_x, 32);
    std::array<Sample, 9> tiles;
    for (Sample& tile : tiles) {
      tile.image = cv::Mat(static_cast<int>(rng.below(31)) + 1, 32, CV_8UC3, cv::Scalar::all(1));
      tile.labels = {{0, 0.5F, 0.5F, 1, 1}};
    }
    const Scene scene = compose_mosaic9(tiles, draws, 32);
    EXPECT_EQ(scene.canvas.size(), cv::Size(64, 64));
    ASSERT_EQ(scene.labels.size(), 9);
    for (const PixelLabel& label : scene.labels) {
      EXPECT_GE(label.box_px.x1, 0);
      EXPECT_LE(label.box_px.x2, 64);
      EXPECT_GE(label.box_px.y1, 0);
      EXPECT_LE(label.box_px.y2, 64);
    }
  }
}

}  // namespace
}  // namespace gannet
