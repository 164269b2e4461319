#include "gannet/viz/worst_images.h"

#include <gtest/gtest.h>

namespace gannet {
namespace {

JudgedImage image_of(int width, int height) {
  JudgedImage image;
  image.name = "images/Straße.jpg";
  image.bgr = cv::Mat(height, width, CV_8UC3, cv::Scalar(100, 100, 100));
  return image;
}

bool is_green(const cv::Vec3b& c) { return c[1] > c[0] + 50 && c[1] > c[2] + 50; }
bool is_red(const cv::Vec3b& c) { return c[2] > c[0] + 100 && c[2] > c[1] + 100; }
bool is_magenta(const cv::Vec3b& c) { return c[0] > c[1] + 100 && c[2] > c[1] + 100; }

TEST(WorstImages, BoxesHaveTheColourOfTheirVerdict) {
  JudgedImage image = image_of(800, 800);  // drawn at half of that
  image.found = {{{200, 200, 300, 300}, ""}};
  image.missed = {{{400, 200, 500, 300}, ""}};
  image.false_detections = {{{600, 200, 700, 300}, ""}};
  const cv::Mat mosaic = worst_images_mosaic({image}, {.columns = 4, .tile_px = 400});
  const cv::Point corner(20, 56);  // of the first field
  EXPECT_TRUE(is_green(mosaic.at<cv::Vec3b>(corner + cv::Point(125, 100))));
  EXPECT_TRUE(is_magenta(mosaic.at<cv::Vec3b>(corner + cv::Point(325, 100))));
  int red = 0, gaps = 0;  // along the upper edge, which is dashed
  for (int x = 203; x < 247; ++x) {
    const cv::Vec3b pixel = mosaic.at<cv::Vec3b>(corner + cv::Point(x, 100));
    red += is_red(pixel) ? 1 : 0;
    gaps += pixel == cv::Vec3b(100, 100, 100) ? 1 : 0;
  }
  EXPECT_EQ(red + gaps, 44);
  EXPECT_GT(red, 15);
  EXPECT_GT(gaps, 15);
}

TEST(WorstImages, TilesGoRowByRow) {
  std::vector<JudgedImage> images(5, image_of(64, 32));
  images[4].bgr.setTo(cv::Scalar(7, 8, 9));
  const cv::Mat mosaic = worst_images_mosaic(images, {.columns = 4, .tile_px = 100});
  EXPECT_EQ(mosaic.cols, 2 * 20 + 4 * 100 + 3 * 20);
  EXPECT_EQ(mosaic.at<cv::Vec3b>(56 + 134 + 50, 20 + 50), cv::Vec3b(7, 8, 9));
}

TEST(WorstImages, OddInputs) {
  EXPECT_TRUE(worst_images_mosaic({}).empty());
  JudgedImage image = image_of(3, 2000);
  image.name = std::string(500, '\xFF');
  image.missed = {{{-5, -5, 9000, 9000}, "a"}, {{1, 1, 1, 1}, "b"}};
  EXPECT_NO_THROW(worst_images_mosaic({image, JudgedImage{}}, {.columns = 0, .tile_px = 30}));
}

}  // namespace
}  // namespace gannet
