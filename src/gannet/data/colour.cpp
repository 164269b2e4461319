#include "gannet/data/colour.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "gannet/core/processor.h"

namespace gannet {
namespace {

constexpr double kHueRange = 180;  // an 8-bit hue counts steps of two degrees
constexpr int kBlock = 32;         // pixels

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

inline int larger(int a, int b) { return a > b ? a : b; }
inline int smaller(int a, int b) { return a < b ? a : b; }

/// Changes kBlock pixels.
GANNET_WIDE_LOOPS void jitter_block(const ColourJitter::Tables& tables, std::uint8_t* bgr) {
  std::array<int, kBlock> b, g, r, hue, saturation, value;
  for (std::size_t i = 0; i < kBlock; ++i) {
    b[i] = bgr[3 * i];
    g[i] = bgr[3 * i + 1];
    r[i] = bgr[3 * i + 2];
  }
  for (std::size_t i = 0; i < kBlock; ++i) {
    const int high = larger(larger(b[i], g[i]), r[i]);
    const int range = high - smaller(smaller(b[i], g[i]), r[i]);
    constexpr float kFull = 255 << kPlaces, kSixth = (180 << kPlaces) / 6;
    const int per_value = rounded(kFull / static_cast<float>(larger(high, 1)));
    const int per_range = rounded(kSixth / static_cast<float>(larger(range, 1)));
    const int beside_green = high == g[i] ? b[i] - r[i] + 2 * range : r[i] - g[i] + 4 * range;
    const int angle = high == r[i] ? g[i] - b[i] : beside_green;
    const int turned = scaled(angle, per_range);
    hue[i] = turned + (turned < 0 ? static_cast<int>(kHueRange) : 0);
    saturation[i] = scaled(range, per_value);
    value[i] = high;
  }
  std::array<float, kBlock> v, s, blue, green, red;
  for (std::size_t i = 0; i < kBlock; ++i) {
    v[i] = tables.value[static_cast<std::size_t>(value[i])];
    s[i] = tables.saturation[static_cast<std::size_t>(saturation[i])];
    blue[i] = tables.blue_share[static_cast<std::size_t>(hue[i])];
    green[i] = tables.green_share[static_cast<std::size_t>(hue[i])];
    red[i] = tables.red_share[static_cast<std::size_t>(hue[i])];
  }
  for (std::size_t i = 0; i < kBlock; ++i) {
    b[i] = static_cast<int>(v[i] * (1 - s[i] * blue[i]) * 255);
    g[i] = static_cast<int>(v[i] * (1 - s[i] * green[i]) * 255);
    r[i] = static_cast<int>(v[i] * (1 - s[i] * red[i]) * 255);
  }
  for (std::size_t i = 0; i < kBlock; ++i) {
    bgr[3 * i] = static_cast<std::uint8_t>(b[i]);
    bgr[3 * i + 1] = static_cast<std::uint8_t>(g[i]);
    bgr[3 * i + 2] = static_cast<std::uint8_t>(r[i]);
  }
}

/// How much of the saturation a channel loses, whose own hue is `offset` sixths before red.
float share(int hue, int offset) {
  const float sixths = static_cast<float>(hue) * static_cast<float>(6 / kHueRange);
  const int sector = static_cast<int>(sixths);
  const float in_sector = sixths - static_cast<float>(sector);
  switch ((sector + offset) % 6) {
    case 0:
      return in_sector;  // falls
    case 1:
    case 2:
      return 1;  // absent
    case 3:
      return 1 - in_sector;  // rises
    default:
      return 0;
  }
}

}  // namespace

ColourDraws draw_colour(const ColourRanges& ranges, Rng& rng) {
  ColourDraws draws;
  draws.hue = 1 + rng.uniform(-1, 1) * ranges.hue;
  draws.saturation = 1 + rng.uniform(-1, 1) * ranges.saturation;
  draws.value = 1 + rng.uniform(-1, 1) * ranges.value;
  return draws;
}

ColourJitter::ColourJitter(const ColourDraws& draws) {
  const auto changed = [](std::size_t number, double factor) {  // to whole numbers of 8 bits
    const double product = std::clamp(static_cast<double>(number) * factor, 0.0, 255.0);
    return static_cast<float>(static_cast<std::uint8_t>(product)) * (1 / 255.0F);
  };
  for (std::size_t i = 0; i < 256; ++i) {
    tables_.saturation[i] = changed(i, draws.saturation);
    tables_.value[i] = changed(i, draws.value);
    const int hue = static_cast<int>(std::fmod(static_cast<double>(i) * draws.hue, kHueRange));
    tables_.red_share[i] = share(hue, 5);
    tables_.green_share[i] = share(hue, 3);
    tables_.blue_share[i] = share(hue, 1);
  }
}

void ColourJitter::apply(std::uint8_t* bgr, int width) const {
  int x = 0;
  for (; x + kBlock <= width; x += kBlock) jitter_block(tables_, bgr + 3 * x);
  if (x == width) return;
  std::array<std::uint8_t, 3 * kBlock> rest{};
  const std::size_t bytes = 3 * static_cast<std::size_t>(width - x);
  std::memcpy(rest.data(), bgr + 3 * x, bytes);
  jitter_block(tables_, rest.data());
  std::memcpy(bgr + 3 * x, rest.data(), bytes);
}

cv::Mat jitter_colour(const cv::Mat& image, const ColourDraws& draws) {
  const ColourJitter jitter(draws);
  cv::Mat result = image.clone();
  for (int y = 0; y < result.rows; ++y) jitter.apply(result.ptr(y), result.cols);
  return result;
}

}  // namespace gannet
