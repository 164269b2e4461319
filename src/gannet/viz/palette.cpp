#include "gannet/viz/palette.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace gannet {
namespace {

// Neighbours differ in hue and in lightness; all are strong enough for thin lines. 0xRRGGBB.
constexpr std::array<std::uint32_t, 20> kColours = {
    0xE6394B, 0x2F7DE1, 0xF6A313, 0x16A673, 0x9B4DE0, 0x11B5C9, 0xF06A1F,
    0xE0459B, 0x7CB518, 0x4356C9, 0xFFD23F, 0xB0413E, 0x2EC4B6, 0xC77DFF,
    0x8C6239, 0x3A86FF, 0xFF8FA3, 0x5B8E3E, 0x7A7FA8, 0xD6B24C};

}  // namespace

cv::Scalar class_colour(int class_id) {
  const auto count = static_cast<int>(kColours.size());
  const int slot = ((class_id % count) + count) % count;
  const std::uint32_t rgb = kColours[static_cast<std::size_t>(slot)];
  return {static_cast<double>(rgb & 0xFF), static_cast<double>(rgb >> 8 & 0xFF),
          static_cast<double>(rgb >> 16)};
}

cv::Scalar text_colour_on(const cv::Scalar& background) {
  const double light = 0.114 * background[0] + 0.587 * background[1] + 0.299 * background[2];
  return light > 160 ? cv::Scalar(20, 20, 20) : cv::Scalar(255, 255, 255);
}

}  // namespace gannet
