#include "gannet/data/augment/copy_paste.h"

#include <gtest/gtest.h>

namespace gannet {
namespace {

/// A white square at the left of a black picture of 100 x 40, with its outline.
Scene square_scene(const cv::Mat& image) {
  Scene scene{Canvas(image)};
  scene.labels = {{4, {10, 10, 20, 20}, {{10, 10}, {20, 10}, {20, 20}, {10, 20}}}};
  return scene;
}

cv::Mat square_image() {
  cv::Mat image(40, 100, CV_8UC3, cv::Scalar::all(0));
  image(cv::Rect(10, 10, 11, 11)).setTo(cv::Scalar::all(255));
  return image;
}

TEST(CopyPaste, CopyAppearsOnTheOtherSide) {
  const cv::Mat image = square_image();
  Scene scene = square_scene(image);
  Rng rng({1, 0, 0, Purpose::kCopyPaste});
  copy_paste(scene, 1, rng);
  ASSERT_EQ(scene.labels.size(), 2);
  const PixelLabel& copy = scene.labels[1];
  EXPECT_EQ(copy.class_id, 4);
  EXPECT_EQ(copy.box_px.x1, 80);
  EXPECT_EQ(copy.box_px.x2, 90);
  EXPECT_EQ(copy.box_px.y1, 10);
  EXPECT_EQ(copy.outline_px[0], (std::array<float, 2>{90, 10}));
  const cv::Mat pasted = scene.canvas.image();
  EXPECT_EQ(pasted.at<cv::Vec3b>(15, 85), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(pasted.at<cv::Vec3b>(15, 15), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(pasted.at<cv::Vec3b>(30, 85), cv::Vec3b(0, 0, 0));
  EXPECT_EQ(cv::norm(image, square_image(), cv::NORM_INF), 0);  // which may lie in a cache
}

TEST(CopyPaste, HidesNothing) {
  Scene scene = square_scene(square_image());
  scene.labels.push_back({1, {82, 12, 92, 22}});  // more than 30 % of it would be covered
  Rng rng({1, 0, 0, Purpose::kCopyPaste});
  copy_paste(scene, 1, rng);
  EXPECT_EQ(scene.labels.size(), 2);
  scene.labels[1].box_px = {88, 18, 98, 28};  // 4 %
  copy_paste(scene, 1, rng);
  EXPECT_EQ(scene.labels.size(), 3);
}

TEST(CopyPaste, CopiesTheShareAskedFor) {
  Scene scene{Canvas(cv::Mat(300, 100, CV_8UC3, cv::Scalar::all(0)))};
  for (float y = 0; y < 300; y += 30) {
    scene.labels.push_back({0, {5, y, 25, y + 20}, {{5, y}, {25, y}, {25, y + 20}}});
    scene.labels.push_back({1, {40, y, 45, y + 20}});  // without an outline
  }
  Rng rng({1, 0, 0, Purpose::kCopyPaste});
  Scene untouched = scene;
  copy_paste(untouched, 0, rng);
  EXPECT_EQ(untouched.labels.size(), 20);
  copy_paste(scene, 0.4, rng);
  ASSERT_EQ(scene.labels.size(), 24);  // 4 of 10
  for (std::size_t i = 20; i < 24; ++i) EXPECT_EQ(scene.labels[i].class_id, 0);
}

}  // namespace
}  // namespace gannet
