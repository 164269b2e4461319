#include "gannet/data/augment/warp.h"

#include <cstdint>
#include <cstring>

#include "gannet/data/augment/pixel_lanes.h"

namespace gannet {
namespace {

/// Output to input coordinates; all zero for a matrix that cannot be inverted.
std::array<float, 9> inverted(const PlaneMatrix& m) {
  std::array<float, 9> back{};
  if (m[6] == 0 && m[7] == 0) {
    const double determinant = m[0] * m[4] - m[1] * m[3];
    const double factor = determinant != 0 ? 1 / determinant : 0;
    const double a = m[4] * factor, b = -m[1] * factor, c = -m[3] * factor, d = m[0] * factor;
    const double x = -a * m[2] - b * m[5], y = -c * m[2] - d * m[5];
    return {float(a), float(b), float(x), float(c), float(d), float(y), 0, 0, 1};
  }
  const cv::Matx33d inverse = cv::Matx33d(m.data()).inv();
  for (int i = 0; i < 9; ++i) back[static_cast<std::size_t>(i)] = float(inverse.val[i]);
  return back;
}

/// The four neighbours of a position and how far it lies between them.
struct Neighbours {
  std::array<const std::uint8_t*, 4> pixels;  // top left, top right, bottom left, bottom right
  float x, y;                                 // weights of the right and of the lower ones
};

/// Reads four bytes of each neighbour for its three channels.
inline void blend(const Neighbours& at, std::uint8_t* target) {
  const cv::v_float32x4 top = mix_pixels(load_pixel(at.pixels[0]), load_pixel(at.pixels[1]), at.x);
  const cv::v_float32x4 bottom =
      mix_pixels(load_pixel(at.pixels[2]), load_pixel(at.pixels[3]), at.x);
  const cv::v_int32x4 rounded = cv::v_round(mix_pixels(top, bottom, at.y));
  const cv::v_int16x8 words = cv::v_pack(rounded, rounded);
  const std::uint32_t bytes = cv::v_reinterpret_as_u32(cv::v_pack_u(words, words)).get0();
  std::memcpy(target, &bytes, 3);
}

/// Whether all four neighbours of a position lie in the tile. One more column than needed: a
/// neighbour is read with the byte behind it.
bool surrounds(const Tile& tile, int x, int y) {
  return x >= tile.area.x && y >= tile.area.y && x + 2 < tile.area.x + tile.area.width &&
         y + 1 < tile.area.y + tile.area.height;
}

/// Any warp: each pixel on its own.
class PlaneRows : public WarpedRows {
 public:
  PlaneRows(const Canvas& canvas, const std::array<float, 9>& back, const WarpOptions& options)
      : canvas_(canvas), back_(back), options_(options) {}

  void read(int y, std::uint8_t* bgr) override {
    const auto fy = static_cast<float>(y);
    const bool affine = back_[6] == 0 && back_[7] == 0;
    for (int x = 0; x < options_.width; ++x) {
      const auto fx = static_cast<float>(x);
      float from_x = fx * back_[0] + fy * back_[1] + back_[2];
      float from_y = fx * back_[3] + fy * back_[4] + back_[5];
      if (!affine) {
        const float depth = fx * back_[6] + fy * back_[7] + back_[8];
        from_x /= depth;
        from_y /= depth;
      }
      pixel(from_x, from_y, bgr + 3 * (options_.mirror ? options_.width - 1 - x : x));
    }
  }

 private:
  void pixel(float from_x, float from_y, std::uint8_t* target) {
    const bool touches = from_x > -1 && from_y > -1 &&
                         from_x < static_cast<float>(canvas_.size().width) &&
                         from_y < static_cast<float>(canvas_.size().height);
    if (!touches) {  // also what is too far off for an int
      std::memset(target, kGrey, 3);
      return;
    }
    const int x = cvFloor(from_x), y = cvFloor(from_y);
    Neighbours at;
    at.x = from_x - static_cast<float>(x);
    at.y = from_y - static_cast<float>(y);
    if (tile_ == nullptr || !surrounds(*tile_, x, y)) tile_ = canvas_.find(x, y);
    if (tile_ != nullptr && surrounds(*tile_, x, y)) {
      const std::uint8_t* top = tile_->at(x, y);
      const std::uint8_t* bottom = top + tile_->image.step[0];
      at.pixels = {top, top + 3, bottom, bottom + 3};
      blend(at, target);
      return;
    }
    blend_seam(x, y, at, target);
  }

  /// Neighbours of different tiles, or outside.
  void blend_seam(int x, int y, Neighbours& at, std::uint8_t* target) const {
    std::array<std::array<std::uint8_t, 4>, 4> copies;
    for (int i = 0; i < 4; ++i) {
      const int nx = x + i % 2, ny = y + i / 2;
      auto& copy = copies[static_cast<std::size_t>(i)];
      copy.fill(kGrey);
      if (const Tile* tile = canvas_.find(nx, ny)) std::memcpy(copy.data(), tile->at(nx, ny), 3);
      at.pixels[static_cast<std::size_t>(i)] = copy.data();
    }
    blend(at, target);
  }

  const Canvas& canvas_;
  std::array<float, 9> back_;
  WarpOptions options_;
  const Tile* tile_ = nullptr;  // of the last pixel: most likely also of the next
};

}  // namespace

std::unique_ptr<WarpedRows> warp_rows(const Canvas& canvas, const PlaneMatrix& matrix,
                                      const WarpOptions& options) {
  const std::array<float, 9> back = inverted(matrix);
  const bool scales_only = back[1] == 0 && back[3] == 0 && back[6] == 0 && back[7] == 0;
  if (scales_only && !options.general) return scaled_rows(canvas, back, options);
  return std::make_unique<PlaneRows>(canvas, back, options);
}

cv::Mat warp_canvas(const Canvas& canvas, const PlaneMatrix& matrix, cv::Size output) {
  const auto rows = warp_rows(canvas, matrix, {.width = output.width});
  cv::Mat result(output, CV_8UC3);
  for (int y = 0; y < output.height; ++y) rows->read(y, result.ptr(y));
  return result;
}

cv::Mat warp_affine(const cv::Mat& image, const std::array<double, 6>& matrix, cv::Size output) {
  const auto& m = matrix;
  return warp_canvas(Canvas(image), {m[0], m[1], m[2], m[3], m[4], m[5], 0, 0, 1}, output);
}

}  // namespace gannet
