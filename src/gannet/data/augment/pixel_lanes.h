// A pixel's channels as floats in one register: what interpolation works on.
#pragma once

#include <cstdint>
#include <cstring>
#include <opencv2/core/hal/intrin.hpp>

namespace gannet {

/// Reads four bytes: three channels and what follows.
inline cv::v_float32x4 load_pixel(const std::uint8_t* pixel) {
  std::uint32_t channels = 0;
  std::memcpy(&channels, pixel, sizeof channels);  // at any address
  const cv::v_uint8x16 bytes = cv::v_reinterpret_as_u8(cv::v_setall_u32(channels));
  return cv::v_cvt_f32(cv::v_reinterpret_as_s32(cv::v_expand_low(cv::v_expand_low(bytes))));
}

/// From `a` (weight 0) to `b` (weight 1).
inline cv::v_float32x4 mix_pixels(const cv::v_float32x4& a, const cv::v_float32x4& b,
                                  float weight) {
  return a + cv::v_setall_f32(weight) * (b - a);
}

}  // namespace gannet
