#include "gannet/data/colour.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/imgproc.hpp>

namespace gannet {

ColourDraws draw_colour(const ColourRanges& ranges, Rng& rng) {
  ColourDraws draws;
  draws.hue = 1 + rng.uniform(-1, 1) * ranges.hue;
  draws.saturation = 1 + rng.uniform(-1, 1) * ranges.saturation;
  draws.value = 1 + rng.uniform(-1, 1) * ranges.value;
  return draws;
}

cv::Mat jitter_colour(const cv::Mat& image, const ColourDraws& draws) {
  constexpr double kHueRange = 180;  // OpenCV's 8-bit hue counts steps of two degrees
  cv::Mat table(1, 256, CV_8UC3);
  for (int i = 0; i < 256; ++i) {
    table.at<cv::Vec3b>(0, i) = {
        static_cast<std::uint8_t>(std::fmod(i * draws.hue, kHueRange)),
        static_cast<std::uint8_t>(std::clamp(i * draws.saturation, 0.0, 255.0)),
        static_cast<std::uint8_t>(std::clamp(i * draws.value, 0.0, 255.0))};
  }
  cv::Mat hsv, result;
  cv::cvtColor(image, hsv, cv::COLOR_BGR2HSV);
  cv::LUT(hsv, table, hsv);
  cv::cvtColor(hsv, result, cv::COLOR_HSV2BGR);
  return result;
}

}  // namespace gannet
