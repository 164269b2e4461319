// Random change of hue, saturation and brightness (RB 3.9).
#pragma once

#include <array>
#include <cstdint>
#include <opencv2/core.hpp>

#include "gannet/core/rng.h"

namespace gannet {

/// Largest relative change of each channel.
struct ColourRanges {
  double hue = 0, saturation = 0, value = 0;
  bool any() const { return hue != 0 || saturation != 0 || value != 0; }
};

/// Factors of the channels; hue wraps around, the others saturate.
struct ColourDraws {
  double hue = 1, saturation = 1, value = 1;
};

ColourDraws draw_colour(const ColourRanges& ranges, Rng& rng);

/// The way from BGR to hue, saturation and value, their change, and the way back, in one pass. The
/// numbers are those of OpenCV's 8-bit conversions.
class ColourJitter {
 public:
  static constexpr int kBlock = 32;  // pixels that are worked on at once
  using Block = std::array<std::uint8_t, 3 * kBlock>;

  explicit ColourJitter(const ColourDraws& draws);

  /// Changes `width` BGR pixels in place; they become RGB with `swap`.
  void apply(std::uint8_t* bgr, int width, bool swap = false) const;

 private:
  ColourDraws draws_;
  Block changed_grey_;
};

/// A new BGR image; the given one stays as it is.
cv::Mat jitter_colour(const cv::Mat& image, const ColourDraws& draws);

}  // namespace gannet
