#include "gannet/data/images/jpeg.h"

#include <jpeglib.h>

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstddef>
#include <cstdio>  // before jpeglib.h, which needs it

namespace gannet {
namespace {

struct ErrorJump {
  jpeg_error_mgr manager;  // first: libjpeg hands out a pointer to it
  std::jmp_buf target;
};

[[noreturn]] void jump(j_common_ptr info) {
  std::longjmp(reinterpret_cast<ErrorJump*>(info->err)->target, 1);
}

void say_nothing(j_common_ptr) {}

/// Whole pixels around `part` of a side, with some to spare for the neighbours that interpolation
/// and the upsampling of colours look at.
struct Span {
  JDIMENSION begin = 0, end = 0;
};

Span pixels(double from, double size, JDIMENSION side) {
  constexpr double kMargin_px = 16;
  const double begin = std::floor(from * side) - kMargin_px;
  const double end = std::ceil((from + size) * side) + kMargin_px;
  const double limit = side;
  return {static_cast<JDIMENSION>(std::clamp(begin, 0.0, limit)),
          static_cast<JDIMENSION>(std::clamp(end, 0.0, limit))};
}

/// Errors leave `decode` by a jump, so nothing in it may need a destructor.
class JpegDecoder {
 public:
  JpegDecoder() {
    info_.err = jpeg_std_error(&errors_.manager);
    errors_.manager.error_exit = jump;
    errors_.manager.output_message = say_nothing;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  bool decode(const std::vector<std::uint8_t>& bytes, int divisor, const cv::Rect2d& part) {
    if (setjmp(errors_.target) != 0) return false;
    jpeg_create_decompress(&info_);
    jpeg_mem_src(&info_, bytes.data(), static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&info_, TRUE);
    if (!is_plain()) return false;
    info_.out_color_space = JCS_EXT_BGR;
    info_.scale_num = 1;
    info_.scale_denom = static_cast<unsigned>(divisor);
    jpeg_start_decompress(&info_);
    read(pixels(part.x, part.width, info_.output_width),
         pixels(part.y, part.height, info_.output_height));
    return true;
  }

  cv::Mat image() const { return image_; }

 private:
  /// Usual colours, of a size that OpenCV would accept.
  bool is_plain() const {
    constexpr double kMaxPixels = 1 << 30;
    if (double{1} * info_.image_width * info_.image_height > kMaxPixels) return false;
    return info_.jpeg_color_space == JCS_YCbCr || info_.jpeg_color_space == JCS_GRAYSCALE;
  }

  void read(Span columns, Span rows) {
    image_.create(static_cast<int>(info_.output_height), static_cast<int>(info_.output_width),
                  CV_8UC3);
    if (columns.begin >= columns.end) return;
    JDIMENSION left = columns.begin, width = columns.end - columns.begin;
    if (width < info_.output_width) jpeg_crop_scanline(&info_, &left, &width);
    if (rows.begin > 0) jpeg_skip_scanlines(&info_, rows.begin);
    while (info_.output_scanline < rows.end) {
      JSAMPROW row = image_.ptr(static_cast<int>(info_.output_scanline)) + std::size_t{3} * left;
      jpeg_read_scanlines(&info_, &row, 1);
    }
  }

  jpeg_decompress_struct info_{};
  ErrorJump errors_{};
  cv::Mat image_;
};

}  // namespace

cv::Mat decode_jpeg(const std::vector<std::uint8_t>& bytes, int divisor, const cv::Rect2d& part) {
  JpegDecoder decoder;
  return decoder.decode(bytes, divisor, part) ? decoder.image() : cv::Mat();
}

}  // namespace gannet
