#include "gannet/data/augment/colour.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "gannet/data/augment/canvas.h"

namespace gannet {
namespace {

/// The three steps that one pass replaces.
cv::Mat by_opencv(const cv::Mat& image, const ColourDraws& draws) {
  cv::Mat table(1, 256, CV_8UC3);
  for (int i = 0; i < 256; ++i) {
    table.at<cv::Vec3b>(0, i) = {static_cast<std::uint8_t>(std::fmod(i * draws.hue, 180)),
                                 static_cast<std::uint8_t>(std::min(i * draws.saturation, 255.0)),
                                 static_cast<std::uint8_t>(std::min(i * draws.value, 255.0))};
  }
  cv::Mat hsv, result;
  cv::cvtColor(image, hsv, cv::COLOR_BGR2HSV);
  cv::LUT(hsv, table, hsv);
  cv::cvtColor(hsv, result, cv::COLOR_HSV2BGR);
  return result;
}

// OpenCV's own numbers depend a little on the processor: with fused multiply-add one channel in a
// thousand differs by one.
TEST(Colour, EqualsOpenCV) {
  cv::Mat cube(256, 4096, CV_8UC3);  // every fourth blue, every eighth green, every second red
  for (int i = 0; i < 256 * 4096; ++i) {
    cube.at<cv::Vec3b>(i / 4096, i % 4096) = {static_cast<std::uint8_t>(i % 64 * 4),
                                              static_cast<std::uint8_t>(i / 64 % 128 * 2),
                                              static_cast<std::uint8_t>(i / 8192 * 2)};
  }
  for (const ColourDraws& draws :
       {ColourDraws{1, 1, 1}, ColourDraws{1.014, 1.68, 0.64}, ColourDraws{0.5, 0.1, 1.9}}) {
    cv::Mat difference;
    cv::absdiff(jitter_colour(cube, draws), by_opencv(cube, draws), difference);
    difference = difference.reshape(1);
    double highest = 0;
    cv::minMaxLoc(difference, nullptr, &highest);
    EXPECT_LE(highest, 1);
    EXPECT_LE(cv::countNonZero(difference), static_cast<int>(difference.total() / 1000));
  }
}

TEST(Colour, LeavesItsInputAlone) {
  const cv::Mat image(2, 2, CV_8UC3, cv::Scalar(30, 120, 200));
  const cv::Mat brighter = jitter_colour(image, {1, 1, 1.2});
  EXPECT_EQ(image.at<cv::Vec3b>(0, 0), cv::Vec3b(30, 120, 200));
  EXPECT_EQ(brighter.at<cv::Vec3b>(0, 0)[2], 240);
}

TEST(Colour, AnyWidthAndOrder) {
  cv::Mat row(1, 200, CV_8UC3);
  cv::randu(row, 0, 256);
  row.colRange(64, 128).setTo(cv::Scalar::all(kGrey));
  const ColourJitter jitter({1.01, 1.2, 1.3});
  cv::Mat whole = row.clone();
  jitter.apply(whole.data, 200);
  for (const int width : {1, 31, 32, 33, 77}) {
    cv::Mat part = row.clone(), swapped = row.clone();
    jitter.apply(part.data, width);
    EXPECT_EQ(cv::norm(part.colRange(0, width), whole.colRange(0, width), cv::NORM_INF), 0);
    EXPECT_EQ(cv::norm(part.colRange(width, 200), row.colRange(width, 200), cv::NORM_INF), 0);
    jitter.apply(swapped.data, 200, true);
    cv::cvtColor(swapped, swapped, cv::COLOR_RGB2BGR);
    EXPECT_EQ(cv::norm(swapped, whole, cv::NORM_INF), 0);
  }
  EXPECT_EQ(whole.at<cv::Vec3b>(0, 100), cv::Vec3b(148, 148, 148));  // 114 * 1.3
}

}  // namespace
}  // namespace gannet
