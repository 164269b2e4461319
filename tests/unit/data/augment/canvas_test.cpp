#include "gannet/data/augment/canvas.h"

#include <gtest/gtest.h>

#include <vector>

#include "gannet/core/rng.h"

namespace gannet {
namespace {

cv::Mat plain(int width, int height, int level) {
  return cv::Mat(height, width, CV_8UC3, cv::Scalar::all(level));
}

TEST(Canvas, LaterImagesCoverEarlierOnes) {
  Canvas canvas({6, 1});
  canvas.add(plain(4, 1, 10), {0, 0});
  canvas.add(plain(2, 1, 20), {1, 0});
  const cv::Mat image = canvas.image();
  const std::vector<int> expected = {10, 20, 20, 10, kGrey, kGrey};
  for (int x = 0; x < 6; ++x) {
    EXPECT_EQ(image.at<cv::Vec3b>(0, x)[0], expected[static_cast<std::size_t>(x)]) << x;
  }
  EXPECT_EQ(canvas.find(2, 0)->image.at<cv::Vec3b>(0, 0)[0], 20);
  EXPECT_EQ(canvas.find(5, 0), nullptr);
}

TEST(Canvas, RowsGoOnInGreyBeyondIt) {
  const Canvas canvas(plain(2, 2, 10));
  std::vector<std::uint8_t> row(3 * 4);
  canvas.read_row(1, -1, 4, row.data());
  EXPECT_EQ(row, (std::vector<std::uint8_t>{kGrey, kGrey, kGrey, 10, 10, 10, 10, 10, 10, kGrey,
                                            kGrey, kGrey}));
  canvas.read_row(2, 0, 4, row.data());
  EXPECT_EQ(row, std::vector<std::uint8_t>(12, kGrey));
}

// Against painting one image after the other.
TEST(Canvas, TilesEqualAPainting) {
  for (std::uint64_t round = 0; round < 100; ++round) {
    Rng rng({round, 0, 0, Purpose::kTest});
    const auto below = [&](int bound) { return static_cast<int>(rng.below(bound)); };
    Canvas canvas({30, 20});
    cv::Mat painting = plain(30, 20, kGrey);
    for (int i = 0; i < 6; ++i) {
      cv::Mat image(below(15) + 1, below(20) + 1, CV_8UC3);
      cv::randu(image, 0, 255);
      const cv::Point corner(below(40) - 10, below(30) - 10);
      canvas.add(image, corner);
      const cv::Rect shown = cv::Rect(corner, image.size()) & cv::Rect(0, 0, 30, 20);
      if (!shown.empty()) image(shown - corner).copyTo(painting(shown));
    }
    EXPECT_EQ(cv::norm(canvas.image(), painting, cv::NORM_INF), 0) << round;
    for (const Tile& a : canvas.tiles()) {
      for (const Tile& b : canvas.tiles()) EXPECT_TRUE(&a == &b || (a.area & b.area).empty());
    }
  }
}

TEST(Scene, LabelsAndOutlinesMoveAndAreClipped) {
  Sample sample;
  sample.image = plain(10, 10, 1);
  sample.labels = {{3, 0.5F, 0.5F, 1, 1}};
  sample.polygons = {{{0, 0}, {1, 0}, {1, 1}}};
  Scene scene{Canvas({12, 12})};
  scene.add(sample, {5, -4}, {5, -4, 10, 10});
  ASSERT_EQ(scene.labels.size(), 1);
  const PixelLabel& label = scene.labels[0];
  EXPECT_EQ(label.class_id, 3);
  EXPECT_EQ(label.box_px.x1, 5);
  EXPECT_EQ(label.box_px.y1, 0);
  EXPECT_EQ(label.box_px.x2, 12);
  EXPECT_EQ(label.box_px.y2, 6);
  EXPECT_EQ(label.outline_px, (Polygon{{5, 0}, {12, 0}, {12, 6}}));
}

}  // namespace
}  // namespace gannet
