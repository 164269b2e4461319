// How long it takes to draw 20 captioned boxes on 640 x 480 px, once the characters are known.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <opencv2/core.hpp>
#include <vector>

#include "gannet/core/rng.h"
#include "gannet/viz/draw.h"

namespace {

constexpr int kBoxes = 20, kRounds = 1000;

std::vector<gannet::Detection> make_detections() {
  gannet::Rng rng({1, 0, 0, gannet::Purpose::kTest});
  std::vector<gannet::Detection> detections;
  for (int i = 0; i < kBoxes; ++i) {
    const auto x = static_cast<float>(rng.uniform(0, 560));
    const auto y = static_cast<float>(rng.uniform(0, 400));
    const auto side = static_cast<float>(rng.uniform(20, 160));
    detections.push_back({{x, y, x + side, y + side},
                          static_cast<float>(rng.uniform()),
                          i,
                          fmt::format("großer Hund {}", i)});
  }
  return detections;
}

}  // namespace

int main() {
  const std::vector<gannet::Detection> detections = make_detections();
  const cv::Mat empty(480, 640, CV_8UC3, cv::Scalar(100, 110, 120));
  cv::Mat image;
  std::vector<double> milliseconds;
  for (int round = 0; round <= kRounds; ++round) {
    empty.copyTo(image);
    const auto start = std::chrono::steady_clock::now();
    gannet::draw_detections(image, detections);
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - start;
    if (round > 0) milliseconds.push_back(taken.count());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  fmt::print("{} boxes on 640 x 480 px: median {:.3f} ms, nine of ten below {:.3f} ms\n", kBoxes,
             milliseconds[kRounds / 2], milliseconds[kRounds * 9 / 10]);
}
