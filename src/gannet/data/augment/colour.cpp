#include "gannet/data/augment/colour.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "gannet/core/processor.h"
#include "gannet/data/augment/canvas.h"

namespace gannet {
namespace {

constexpr int kFullTurn = 180;  // an 8-bit hue counts steps of two degrees
constexpr int kBlock = ColourJitter::kBlock;

/// Rounds half to even; for numbers below 2^22.
inline int rounded(float number) {
  constexpr float kRounder = 0x1.8p23F;
  return std::bit_cast<int>(number + kRounder) - std::bit_cast<int>(kRounder);
}

/// The conversion divides by multiplying with quotients of 12 binary places.
constexpr int kPlaces = 12;
inline int scaled(int number, int quotient) {
  return (number * quotient + (1 << (kPlaces - 1))) >> kPlaces;
}

// By value: references would keep the loops from being vectorised.
template <class Number>
Number larger(Number a, Number b) {
  return a > b ? a : b;
}
template <class Number>
Number smaller(Number a, Number b) {
  return a < b ? a : b;
}

using Plane = std::array<int, kBlock>;

/// To hue (in steps of two degrees), saturation and value of 8 bits.
[[gnu::always_inline]] inline void to_hsv(Plane& blue, Plane& green, Plane& red) {
  for (std::size_t i = 0; i < kBlock; ++i) {
    const int b = blue[i], g = green[i], r = red[i];
    const int high = larger(larger(b, g), r);
    const int range = high - smaller(smaller(b, g), r);
    constexpr float kFull = 255 << kPlaces, kSixth = 30 << kPlaces;
    const int per_value = rounded(kFull / static_cast<float>(larger(high, 1)));
    const int per_range = rounded(kSixth / static_cast<float>(larger(range, 1)));
    const int beside_green = high == g ? b - r + 2 * range : r - g + 4 * range;
    const int turned = scaled(high == r ? g - b : beside_green, per_range);
    blue[i] = turned + (turned < 0 ? kFullTurn : 0);
    green[i] = scaled(range, per_value);
    red[i] = high;
  }
}

/// Factors on the three channels, cut to whole numbers of 8 bits.
[[gnu::always_inline]] inline void change(const ColourDraws& draws, Plane& hue, Plane& saturation,
                                          Plane& value) {
  for (std::size_t i = 0; i < kBlock; ++i) {
    const int turned = static_cast<int>(hue[i] * draws.hue);  // below two full turns
    hue[i] = turned - (turned >= kFullTurn ? kFullTurn : 0);
  }
  for (std::size_t i = 0; i < kBlock; ++i) {
    saturation[i] = smaller(static_cast<int>(saturation[i] * draws.saturation), 255);
    value[i] = smaller(static_cast<int>(value[i] * draws.value), 255);
  }
}

/// Back from hue, saturation and value. A channel is value * (1 - saturation * share), of 255; its
/// share grows from 0 to 1 and falls again as the hue goes round.
[[gnu::always_inline]] inline void to_bgr(Plane& hue, Plane& saturation, Plane& value) {
  std::array<float, kBlock> blue, green, red;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const float sixths = static_cast<float>(hue[i]) * (6.0F / kFullTurn);
    blue[i] = larger(3 - sixths, sixths - 5);
    green[i] = larger(1 - sixths, sixths - 3);
    red[i] = 2 - std::abs(sixths - 3);
  }
  // One condition a loop: more of them would keep it from being vectorised.
  for (auto* share : {&blue, &green, &red}) {
    for (float& one : *share) one = larger(one, 0.0F);
    for (float& one : *share) one = smaller(one, 1.0F);
  }
  for (std::size_t i = 0; i < kBlock; ++i) {
    constexpr float kByte = 1 / 255.0F;
    const float s = static_cast<float>(saturation[i]) * kByte;
    const float v = static_cast<float>(value[i]) * kByte;
    hue[i] = static_cast<int>(v * (1 - s * blue[i]) * 255);
    saturation[i] = static_cast<int>(v * (1 - s * green[i]) * 255);
    value[i] = static_cast<int>(v * (1 - s * red[i]) * 255);
  }
}

/// Changes kBlock pixels; they become RGB with `swap`.
GANNET_WIDE_LOOPS void jitter_block(const ColourDraws& draws, std::uint8_t* bgr, bool swap) {
  Plane first, second, third;  // blue, green, red; then hue, saturation, value; and back
  for (std::size_t i = 0; i < kBlock; ++i) {
    first[i] = bgr[3 * i];
    second[i] = bgr[3 * i + 1];
    third[i] = bgr[3 * i + 2];
  }
  to_hsv(first, second, third);
  change(draws, first, second, third);
  to_bgr(first, second, third);
  if (swap) std::swap(first, third);
  for (std::size_t i = 0; i < kBlock; ++i) {
    bgr[3 * i] = static_cast<std::uint8_t>(first[i]);
    bgr[3 * i + 1] = static_cast<std::uint8_t>(second[i]);
    bgr[3 * i + 2] = static_cast<std::uint8_t>(third[i]);
  }
}

/// A large part of a mosaic is grey, which stays grey.
constexpr ColourJitter::Block grey_block() {
  ColourJitter::Block block{};
  for (std::uint8_t& channel : block) channel = kGrey;
  return block;
}
constexpr ColourJitter::Block kGreyBlock = grey_block();

}  // namespace

ColourDraws draw_colour(const ColourRanges& ranges, Rng& rng) {
  ColourDraws draws;
  draws.hue = 1 + rng.uniform(-1, 1) * ranges.hue;
  draws.saturation = 1 + rng.uniform(-1, 1) * ranges.saturation;
  draws.value = 1 + rng.uniform(-1, 1) * ranges.value;
  return draws;
}

ColourJitter::ColourJitter(const ColourDraws& draws) : draws_(draws), changed_grey_(kGreyBlock) {
  jitter_block(draws_, changed_grey_.data(), false);
}

void ColourJitter::apply(std::uint8_t* bgr, int width, bool swap) const {
  int x = 0;
  for (; x + kBlock <= width; x += kBlock) {
    std::uint8_t* block = bgr + 3 * x;
    if (std::memcmp(block, kGreyBlock.data(), kGreyBlock.size()) == 0) {
      std::memcpy(block, changed_grey_.data(), changed_grey_.size());
    } else {
      jitter_block(draws_, block, swap);
    }
  }
  if (x == width) return;
  Block rest{};
  const std::size_t bytes = 3 * static_cast<std::size_t>(width - x);
  std::memcpy(rest.data(), bgr + 3 * x, bytes);
  jitter_block(draws_, rest.data(), swap);
  std::memcpy(bgr + 3 * x, rest.data(), bytes);
}

cv::Mat jitter_colour(const cv::Mat& image, const ColourDraws& draws) {
  const ColourJitter jitter(draws);
  cv::Mat result = image.clone();
  for (int y = 0; y < result.rows; ++y) jitter.apply(result.ptr(y), result.cols);
  return result;
}

}  // namespace gannet
