#include "gannet/data/warp.h"

#include <cstdint>
#include <cstring>
#include <opencv2/core/hal/intrin.hpp>

#include "gannet/core/error.h"

namespace gannet {
namespace {

/// Output to input coordinates; all zero for a matrix that cannot be inverted.
std::array<float, 6> inverted(const std::array<double, 6>& m) {
  const double determinant = m[0] * m[4] - m[1] * m[3];
  const double factor = determinant != 0 ? 1 / determinant : 0;
  const double a = m[4] * factor, b = -m[1] * factor, c = -m[3] * factor, d = m[0] * factor;
  const double x = -a * m[2] - b * m[5], y = -c * m[2] - d * m[5];
  return {float(a), float(b), float(x), float(c), float(d), float(y)};
}

/// The four neighbours of a position and how far it lies between them.
struct Neighbours {
  std::array<const std::uint8_t*, 4> pixels;  // top left, top right, bottom left, bottom right
  float x, y;                                 // weights of the right and of the lower ones
};

/// Reads four bytes of each neighbour for its three channels.
inline void blend(const Neighbours& at, std::uint8_t* target) {
  const auto load = [](const std::uint8_t* pixel) {
    std::uint32_t channels = 0;
    std::memcpy(&channels, pixel, sizeof channels);
    const cv::v_uint8x16 bytes = cv::v_reinterpret_as_u8(cv::v_setall_u32(channels));
    return cv::v_cvt_f32(cv::v_reinterpret_as_s32(cv::v_expand_low(cv::v_expand_low(bytes))));
  };
  const auto mix = [](const cv::v_float32x4& a, const cv::v_float32x4& b, float weight) {
    return a + cv::v_setall_f32(weight) * (b - a);
  };
  const cv::v_float32x4 top = mix(load(at.pixels[0]), load(at.pixels[1]), at.x);
  const cv::v_float32x4 bottom = mix(load(at.pixels[2]), load(at.pixels[3]), at.x);
  const cv::v_int32x4 rounded = cv::v_round(mix(top, bottom, at.y));
  const cv::v_int16x8 words = cv::v_pack(rounded, rounded);
  const std::uint32_t bytes = cv::v_reinterpret_as_u32(cv::v_pack_u(words, words)).get0();
  std::memcpy(target, &bytes, 3);
}

/// Computes rows of the output, each pixel on its own.
class Warp {
 public:
  Warp(const cv::Mat& image, const std::array<float, 6>& back, std::uint8_t grey)
      : image_(image), back_(back) {
    outside_.fill(grey);
  }

  void row(int y, int width, std::uint8_t* target) const {
    const auto fy = static_cast<float>(y);
    for (int x = 0; x < width; ++x, target += 3) {
      const auto fx = static_cast<float>(x);
      pixel(fx * back_[0] + fy * back_[1] + back_[2], fx * back_[3] + fy * back_[4] + back_[5],
            target);
    }
  }

 private:
  void pixel(float from_x, float from_y, std::uint8_t* target) const {
    const bool touches = from_x > -1 && from_y > -1 && from_x < static_cast<float>(image_.cols) &&
                         from_y < static_cast<float>(image_.rows);
    if (!touches) {  // also what is too far off for an int
      std::memcpy(target, outside_.data(), 3);
      return;
    }
    const int x = cvFloor(from_x), y = cvFloor(from_y);
    Neighbours at;
    at.x = from_x - static_cast<float>(x);
    at.y = from_y - static_cast<float>(y);
    // One more column than needed: a neighbour is read with the byte behind it.
    if (x >= 0 && y >= 0 && x + 2 < image_.cols && y + 1 < image_.rows) {
      const std::uint8_t* top = image_.ptr(y) + 3 * x;
      const std::uint8_t* bottom = top + image_.step[0];
      at.pixels = {top, top + 3, bottom, bottom + 3};
      blend(at, target);
      return;
    }
    std::array<std::array<std::uint8_t, 4>, 4> copies;
    for (int i = 0; i < 4; ++i) {
      const int nx = x + i % 2, ny = y + i / 2;
      const bool inside = nx >= 0 && ny >= 0 && nx < image_.cols && ny < image_.rows;
      auto& copy = copies[static_cast<std::size_t>(i)];
      copy = outside_;
      if (inside) std::memcpy(copy.data(), image_.ptr(ny) + 3 * nx, 3);
      at.pixels[static_cast<std::size_t>(i)] = copy.data();
    }
    blend(at, target);
  }

  const cv::Mat& image_;
  std::array<float, 6> back_;
  std::array<std::uint8_t, 4> outside_;
};

}  // namespace

cv::Mat warp_affine(const cv::Mat& image, const std::array<double, 6>& matrix, cv::Size output,
                    std::uint8_t grey) {
  GANNET_CHECK(image.type() == CV_8UC3, "three channels of 8 bits");
  cv::Mat result(output, CV_8UC3);
  const Warp warp(image, inverted(matrix), grey);
  for (int y = 0; y < output.height; ++y) warp.row(y, output.width, result.ptr(y));
  return result;
}

}  // namespace gannet
