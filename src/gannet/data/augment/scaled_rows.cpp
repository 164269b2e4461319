#if defined(__x86_64__) && defined(__GNUC__)
#define GANNET_HAS_AVX2
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "gannet/core/processor.h"
#include "gannet/data/augment/pixel_lanes.h"
#include "gannet/data/augment/warp.h"

namespace gannet {
namespace {

constexpr int kSpareBytes = 2;  // read behind the last pixel
constexpr int kLanes = 4;       // a pixel's three channels and one to spare

/// Interpolates between neighbours of a row. `weights`: kLanes equal ones a pixel; `line`: three
/// floats a pixel and one more behind the last.
void mix_columns_plain(const std::uint8_t* bgr, const int* offsets, const float* weights, int width,
                       float* line) {
  for (int x = 0; x < width; ++x) {
    const std::uint8_t* left = bgr + offsets[x];
    cv::v_store(line + 3 * x,
                mix_pixels(load_pixel(left), load_pixel(left + 3), weights[kLanes * x]));
  }
}

#ifdef GANNET_HAS_AVX2
/// The same, two pixels at a time. Reads eight bytes for a pixel and its right neighbour.
__attribute__((target("avx2"))) void mix_columns_avx2(const std::uint8_t* bgr, const int* offsets,
                                                      const float* weights, int width,
                                                      float* line) {
  const __m128i left_bytes = _mm_setr_epi8(0, 1, 2, 3, 8, 9, 10, 11, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i right_bytes = _mm_setr_epi8(3, 4, 5, 6, 11, 12, 13, 14, 0, 0, 0, 0, 0, 0, 0, 0);
  int x = 0;
  for (; x + 2 <= width; x += 2) {
    const auto load = [&](int at) {
      return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bgr + offsets[at]));
    };
    const __m128i both = _mm_unpacklo_epi64(load(x), load(x + 1));
    const __m256 left =
        _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_shuffle_epi8(both, left_bytes)));
    const __m256 right =
        _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_shuffle_epi8(both, right_bytes)));
    const __m256 weight = _mm256_loadu_ps(weights + kLanes * x);
    const __m256 mixed = _mm256_add_ps(left, _mm256_mul_ps(weight, _mm256_sub_ps(right, left)));
    _mm_storeu_ps(line + 3 * x, _mm256_castps256_ps128(mixed));
    _mm_storeu_ps(line + 3 * x + 3, _mm256_extractf128_ps(mixed, 1));
  }
  mix_columns_plain(bgr, offsets + x, weights + kLanes * x, width - x, line + 3 * x);
}
#endif

void mix_columns(const std::uint8_t* bgr, const int* offsets, const float* weights, int width,
                 float* line) {
#ifdef GANNET_HAS_AVX2
  if (__builtin_cpu_supports("avx2")) {
    mix_columns_avx2(bgr, offsets, weights, width, line);
    return;
  }
#endif
  mix_columns_plain(bgr, offsets, weights, width, line);
}

/// Interpolates between two lines and rounds half to even.
GANNET_WIDE_LOOPS void mix_lines(const float* __restrict top, const float* __restrict bottom,
                                 float weight, int size, std::uint8_t* __restrict bytes) {
  // Added to a small number, this leaves it rounded in the low bits.
  constexpr float kRounder = 0x1.8p23F;
  for (int i = 0; i < size; ++i) {
    const float mixed = top[i] + weight * (bottom[i] - top[i]);
    bytes[i] = static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(mixed + kRounder));
  }
}

struct Line {
  int y = 0;
  bool filled = false;
  std::vector<float> values;
};

class ScaledRows : public WarpedRows {
 public:
  ScaledRows(const Canvas& canvas, const std::array<float, 9>& back, const WarpOptions& options)
      : canvas_(canvas), back_(back), width_(options.width) {
    const auto columns = static_cast<std::size_t>(width_);
    offsets_.resize(columns);
    weights_.resize(columns * kLanes);
    for (Line& line : lines_) line.values.resize(columns * 3 + 1);
    for (int x = 0; x < width_; ++x) place(x, options.mirror ? width_ - 1 - x : x);
    const auto [low, high] = std::minmax_element(offsets_.begin(), offsets_.end());
    first_ = width_ > 0 ? *low : 0;
    bytes_.resize(width_ > 0 ? static_cast<std::size_t>(3 * (*high - first_ + 2) + kSpareBytes)
                             : 0);
    for (int& offset : offsets_) offset = 3 * (offset - first_);
  }

  void read(int y, std::uint8_t* bgr) override {
    const float from_y = static_cast<float>(y) * back_[4] + back_[5];
    if (!(from_y > -1 && from_y < static_cast<float>(canvas_.size().height))) {
      std::memset(bgr, kGrey, 3 * static_cast<std::size_t>(width_));
      return;
    }
    const int top = static_cast<int>(std::floor(from_y));
    mix_lines(line(top), line(top + 1), from_y - static_cast<float>(top), 3 * width_, bgr);
  }

 private:
  /// A row of the canvas, interpolated to the columns of the output. Neighbouring rows are kept.
  const float* line(int y) {
    Line& line = lines_[static_cast<std::size_t>(y & 1)];
    if (!line.filled || line.y != y) {
      canvas_.read_row(y, first_, static_cast<int>(bytes_.size() / 3), bytes_.data());
      mix_columns(bytes_.data(), offsets_.data(), weights_.data(), width_, line.values.data());
      line.y = y;
      line.filled = true;
    }
    return line.values.data();
  }

  /// Where output column `x` (in slot `slot`) comes from: column for now, byte offset later.
  void place(int x, int slot) {
    const float from_x = static_cast<float>(x) * back_[0] + back_[2];
    const int columns = canvas_.size().width;
    const bool touches = from_x > -1 && from_x < static_cast<float>(columns);
    const int left = touches ? static_cast<int>(std::floor(from_x)) : columns;
    const float weight = touches ? from_x - static_cast<float>(left) : 0;
    offsets_[static_cast<std::size_t>(slot)] = left;
    for (int i = 0; i < kLanes; ++i) weights_[static_cast<std::size_t>(slot * kLanes + i)] = weight;
  }

  const Canvas& canvas_;
  std::array<float, 9> back_;
  int width_ = 0;
  int first_ = 0;                    // leftmost column of the canvas that is looked at
  std::vector<int> offsets_;         // of the left neighbour of each output column, bytes
  std::vector<float> weights_;       // of the right neighbour
  std::vector<std::uint8_t> bytes_;  // the row of the canvas in work
  std::array<Line, 2> lines_;
};

}  // namespace

std::unique_ptr<WarpedRows> scaled_rows(const Canvas& canvas, const std::array<float, 9>& back,
                                        const WarpOptions& options) {
  return std::make_unique<ScaledRows>(canvas, back, options);
}

}  // namespace gannet
