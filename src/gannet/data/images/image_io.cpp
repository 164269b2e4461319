#include "gannet/data/images/image_io.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <opencv2/imgcodecs.hpp>
#include <optional>
#include <string_view>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/data/images/image_header.h"
#include "gannet/data/images/jpeg.h"

namespace gannet {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::kData, what, {path, 0, {}}, "replace or remove the file");
}

std::vector<std::uint8_t> read_bytes(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) fail(path, fmt::format("image cannot be opened: {}", std::strerror(errno)));
  std::vector<std::uint8_t> bytes;
  std::fseek(file.get(), 0, SEEK_END);
  const long size = std::ftell(file.get());
  if (size <= 0 || size == std::numeric_limits<long>::max()) fail(path, "image file is empty");
  std::rewind(file.get());
  bytes.resize(static_cast<std::size_t>(size));
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  return bytes;
}

bool is_jpeg(const std::vector<std::uint8_t>& bytes) {
  return bytes.size() > 2 && bytes[0] == 0xFF && bytes[1] == 0xD8;
}

/// Keeps other bytes from the many decoders that OpenCV would try on them.
bool is_known_format(const std::vector<std::uint8_t>& bytes) {
  using namespace std::string_view_literals;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const bool is_webp = text.starts_with("RIFF") && text.substr(0, 12).ends_with("WEBP");
  const bool is_tiff = text.starts_with("II*\0"sv) || text.starts_with("MM\0*"sv);
  return is_jpeg(bytes) || is_webp || is_tiff || text.starts_with("\x89PNG") ||
         text.starts_with("BM");
}

bool is_animated_webp(const std::vector<std::uint8_t>& bytes) {
  constexpr std::size_t kFlags = 20;
  constexpr std::uint8_t kAnimation = 2;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.size() > kFlags && text.starts_with("RIFF") && text.substr(8, 8) == "WEBPVP8X" &&
         (bytes[kFlags] & kAnimation) != 0;
}

/// Size as displayed; refuses one beyond the limit.
std::optional<cv::Size> size_of(const std::string& path, const std::optional<ImageHeader>& header) {
  constexpr std::int64_t kMaxSide_px = std::int64_t{1} << 20;  // OpenCV's own limit
  if (!header || header->width < 1 || header->height < 1) return std::nullopt;
  if (header->width > kMaxSide_px || header->height > kMaxSide_px ||
      header->width * header->height > max_image_pixels()) {
    throw Error(ErrorKind::kData,
                fmt::format("image of {} x {} pixels is above the limit of {} pixels",
                            header->width, header->height, max_image_pixels()),
                {path, 0, {}},
                "shrink it, or raise the environment variable GANNET_MAX_IMAGE_PIXELS");
  }
  const cv::Size size(static_cast<int>(header->width), static_cast<int>(header->height));
  return header->is_turned() ? cv::Size(size.height, size.width) : size;
}

int reduction_flags(int divisor) {
  switch (divisor) {
    case 8:
      return cv::IMREAD_REDUCED_COLOR_8;
    case 4:
      return cv::IMREAD_REDUCED_COLOR_4;
    case 2:
      return cv::IMREAD_REDUCED_COLOR_2;
    default:
      return cv::IMREAD_COLOR;
  }
}

/// Pictures of 16 bits often hold 10 or 12: the bits that this one uses become 8.
cv::Mat to_8_bits(const cv::Mat& image, const std::string& path) {
  if (image.depth() == CV_8U) return image;
  double least = 0, most = 0;
  cv::minMaxLoc(image.reshape(1), &least, &most);
  cv::Mat result;
  if (image.depth() != CV_16U) {  // of floating point: 0 to 1, 0 to 255, or up to its own maximum
    const double scale = most <= 1 ? 255 : most <= 255 ? 1 : 255 / most;
    image.convertTo(result, CV_8U, scale);
    return result;
  }
  int bits = 16;
  for (const int fewer : {12, 10, 8})
    if (most < 1 << fewer) bits = fewer;
  if (bits < 16) {
    static std::once_flag said;
    std::call_once(said, [&] {
      log_info("{}: {}-bit data in 16 bits, scaled by its own range, as in other such files", path,
               bits);
    });
  }
  // As OpenCV does for 16 bits: the lower ones are cut off.
  cv::Mat shifted(image.size(), CV_8UC(image.channels()));
  const auto values =
      static_cast<std::size_t>(image.cols) * static_cast<std::size_t>(image.channels());
  for (int y = 0; y < image.rows; ++y) {
    const auto* from = image.ptr<std::uint16_t>(y);
    auto* to = shifted.ptr<std::uint8_t>(y);
    for (std::size_t x = 0; x < values; ++x)
      to[x] = static_cast<std::uint8_t>(from[x] >> (bits - 8));
  }
  return shifted;
}

cv::Mat decode_bytes(const std::string& path, const std::vector<std::uint8_t>& bytes, int divisor,
                     const cv::Rect2d& part) {
  if (!is_known_format(bytes)) fail(path, "not a JPEG, PNG, BMP, TIFF or WebP image");
  if (is_animated_webp(bytes)) fail(path, "animated WebP pictures are not read");
  // OpenCV fills the rest of a truncated JPEG with grey and says nothing.
  if (is_jpeg(bytes) && !is_jpeg_complete(bytes)) fail(path, "JPEG data end early");
  const std::optional<ImageHeader> header = read_image_header(bytes);
  if (!size_of(path, header)) fail(path, "image header says no size");
  cv::Mat image;
  if (is_jpeg(bytes) && header->orientation <= 1) image = decode_jpeg(bytes, divisor, part);
  if (!image.empty()) return image;
  try {
    image = cv::imdecode(bytes, reduction_flags(divisor) | cv::IMREAD_ANYDEPTH);
  } catch (const cv::Exception& error) {
    fail(path, fmt::format("image cannot be decoded: {}", error.err));
  }
  if (image.empty()) fail(path, "image cannot be decoded");
  return to_8_bits(image, path);
}

}  // namespace

bool is_jpeg_complete(const std::vector<std::uint8_t>& bytes) {
  const std::uint8_t* at = bytes.data() + 2;
  const std::uint8_t* const end = bytes.data() + bytes.size();
  // Bytes that belong to no segment are skipped, and so is entropy-coded data, in which a marker
  // byte is followed by 0 or a restart number.
  while (at < end) {
    at =
        static_cast<const std::uint8_t*>(std::memchr(at, 0xFF, static_cast<std::size_t>(end - at)));
    if (at == nullptr || end - at < 2) return false;
    const int marker = at[1];
    if (marker == 0xD9) return true;
    if (marker == 0xFF) {
      ++at;
    } else if (marker <= 1 || (marker >= 0xD0 && marker <= 0xD8)) {
      at += 2;
    } else {
      if (end - at < 4) return false;
      const std::ptrdiff_t length = at[2] * 256 + at[3];
      if (end - at < 2 + length) return false;
      at += 2 + length;
    }
  }
  return false;
}

ImageShape read_image_shape(const std::string& path) {
  const std::optional<ImageHeader> header = read_image_header(path);
  const std::optional<cv::Size> size = size_of(path, header);
  if (size) return {size->width, size->height, header->orientation};
  const cv::Mat image = decode_image(path);  // which names what is wrong
  return {image.cols, image.rows};
}

cv::Size read_image_size(const std::string& path) {
  const ImageShape shape = read_image_shape(path);
  return {shape.width, shape.height};
}

cv::Mat decode_image(const std::vector<std::uint8_t>& bytes, const std::string& name) {
  return decode_bytes(name, bytes, 1, {0, 0, 1, 1});
}

cv::Mat decode_image(const std::string& path) { return decode_image(read_bytes(path), path); }

cv::Mat decode_image_reduced(const std::string& path, cv::Size full, int min_side,
                             const cv::Rect2d& part) {
  const int longer = std::max(full.width, full.height);
  int divisor = 1;
  while (divisor < 8 && longer / (2 * divisor) >= min_side) divisor *= 2;
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  if (!is_jpeg(bytes)) divisor = 1;
  cv::Mat image = decode_bytes(path, bytes, divisor, part);
  // A file that changed since it was indexed would otherwise be distorted.
  const auto expected = [&](int side, int full_side) {
    return std::abs(side - (full_side + divisor - 1) / divisor) <= 1;
  };
  if (!expected(image.cols, full.width) || !expected(image.rows, full.height)) {
    fail(path, fmt::format("image is no longer {} x {} pixels", full.width, full.height));
  }
  return image;
}

}  // namespace gannet
