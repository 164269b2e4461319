#include "gannet/data/images/image_header.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace gannet {
namespace {

using namespace std::string_view_literals;
using Bytes = std::span<const std::uint8_t>;
using Position = std::uint64_t;

/// The bytes of a picture, wherever they are.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;
  /// Fewer than asked for at the end. Valid until the next call. @param size at most kWindow
  virtual Bytes at(Position position, std::size_t size) = 0;

  static constexpr std::size_t kWindow = 4096;
};

class MemorySource : public Source {
 public:
  explicit MemorySource(Bytes bytes) : bytes_(bytes) {}
  Bytes at(Position position, std::size_t size) override {
    if (position >= bytes_.size()) return {};
    return bytes_.subspan(position, std::min<std::size_t>(size, bytes_.size() - position));
  }

 private:
  Bytes bytes_;
};

/// Keeps one window of the file, so that a usual header costs one read.
class FileSource : public Source {
 public:
  explicit FileSource(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~FileSource() override {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Bytes at(Position position, std::size_t size) override {
    if (position < begin_ || position + size > begin_ + length_) fill(position);
    const std::size_t offset = position - begin_;
    if (offset >= length_) return {};
    return Bytes(window_).subspan(offset, std::min(size, length_ - offset));
  }

 private:
  void fill(Position position) {
    constexpr Position kMaxPosition = Position{1} << 62;
    begin_ = position;
    length_ = 0;
    if (descriptor_ < 0 || position > kMaxPosition) return;
    const ssize_t count =
        ::pread(descriptor_, window_.data(), window_.size(), static_cast<off_t>(position));
    if (count > 0) length_ = static_cast<std::size_t>(count);
  }

  int descriptor_;
  Position begin_ = 0;
  std::size_t length_ = 0;
  std::array<std::uint8_t, kWindow> window_;
};

/// Reads numbers of one byte order; `failed` once any was beyond the end.
class Numbers {
 public:
  Numbers(Source& source, bool little_endian) : source_(source), little_endian_(little_endian) {}
  std::uint32_t get(Position position, std::size_t size) {
    const Bytes bytes = source_.at(position, size);
    if (bytes.size() < size) {
      failed_ = true;
      return 0;
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = value << 8 | bytes[little_endian_ ? size - 1 - i : i];
    }
    return value;
  }
  bool failed() const { return failed_; }

 private:
  Source& source_;
  bool little_endian_;
  bool failed_ = false;
};

bool has_text(Source& source, Position position, std::string_view text) {
  const Bytes bytes = source.at(position, text.size());
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == text;
}

/// What the first directory of TIFF data says; EXIF is such data too.
struct TiffTags {
  std::uint32_t width = 0, height = 0, orientation = 1;
};

std::optional<TiffTags> tiff_tags(Source& source, Position base) {
  const bool little = has_text(source, base, "II");
  Numbers numbers(source, little);
  const Position directory = base + numbers.get(base + 4, 4);
  const std::uint32_t count = numbers.get(directory, 2);
  TiffTags tags;
  for (std::uint32_t i = 0; i < count && !numbers.failed(); ++i) {
    const Position entry = directory + 2 + Position{12} * i;
    const std::uint32_t tag = numbers.get(entry, 2);
    constexpr std::uint32_t kShort = 3;
    const std::size_t size = numbers.get(entry + 2, 2) == kShort ? 2 : 4;
    if (tag == 0x0100) tags.width = numbers.get(entry + 8, size);
    if (tag == 0x0101) tags.height = numbers.get(entry + 8, size);
    if (tag == 0x0112) tags.orientation = numbers.get(entry + 8, size);
  }
  if (numbers.failed()) return std::nullopt;
  return tags;
}

/// Position of the next marker's second byte, garbage and fill bytes skipped; 0 at the end.
Position next_marker(Source& source, Position position) {
  while (true) {
    const Bytes bytes = source.at(position, Source::kWindow);
    const auto found = std::find(bytes.begin(), bytes.end(), std::uint8_t{0xFF});
    if (bytes.empty()) return 0;
    position += static_cast<Position>(found - bytes.begin());
    if (found == bytes.end()) continue;
    while (has_text(source, position, "\xFF")) ++position;
    return position;
  }
}

std::optional<ImageHeader> jpeg_header(Source& source) {
  Numbers numbers(source, false);
  std::optional<std::uint32_t> orientation;
  for (Position at = next_marker(source, 2); at != 0;) {
    const std::uint32_t marker = numbers.get(at, 1);
    if (marker <= 1 || (marker >= 0xD0 && marker <= 0xD8)) {  // markers without a segment
      at = next_marker(source, at + 1);
      continue;
    }
    const std::uint32_t length = numbers.get(at + 1, 2);
    if (numbers.failed() || length < 2 || marker == 0xD9 || marker == 0xDA) return std::nullopt;
    const bool is_frame =
        marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (is_frame) {
      const ImageHeader header{numbers.get(at + 6, 2), numbers.get(at + 4, 2),
                               orientation.value_or(1)};
      if (numbers.failed()) return std::nullopt;
      return header;
    }
    if (marker == 0xE1 && !orientation && has_text(source, at + 3, "Exif\0\0"sv)) {
      orientation = tiff_tags(source, at + 9).value_or(TiffTags{}).orientation;
    }
    at = next_marker(source, at + 1 + length);
  }
  return std::nullopt;
}

/// Looks for an EXIF chunk up to the pixels.
std::optional<ImageHeader> png_header(Source& source) {
  Numbers numbers(source, false);
  ImageHeader header{numbers.get(16, 4), numbers.get(20, 4), false};
  if (numbers.failed() || !has_text(source, 12, "IHDR")) return std::nullopt;
  for (Position at = 8; !numbers.failed() && !has_text(source, at + 4, "IDAT");) {
    const std::uint32_t length = numbers.get(at, 4);
    if (has_text(source, at + 4, "eXIf")) {
      header.orientation = tiff_tags(source, at + 8).value_or(TiffTags{}).orientation;
    }
    at += Position{12} + length;  // length, name, data and checksum
  }
  return header;
}

std::optional<ImageHeader> bmp_header(Source& source) {
  Numbers numbers(source, true);
  constexpr std::uint32_t kOldHeader = 12;
  ImageHeader header;
  if (numbers.get(14, 4) == kOldHeader) {
    header = {numbers.get(18, 2), numbers.get(20, 2), false};
  } else {
    const auto height = static_cast<std::int32_t>(numbers.get(22, 4));  // negative: top row first
    header = {static_cast<std::int32_t>(numbers.get(18, 4)), std::abs(std::int64_t{height}), false};
  }
  if (numbers.failed()) return std::nullopt;
  return header;
}

std::optional<ImageHeader> tiff_header(Source& source) {
  const auto tags = tiff_tags(source, 0);
  if (!tags) return std::nullopt;
  return ImageHeader{tags->width, tags->height, tags->orientation};
}

std::optional<ImageHeader> webp_header(Source& source) {
  Numbers numbers(source, true);
  constexpr std::uint32_t kSide = 0x3FFF;  // 14 bits
  ImageHeader header;
  if (has_text(source, 12, "VP8 ")) {
    header = {numbers.get(26, 2) & kSide, numbers.get(28, 2) & kSide, false};
  } else if (has_text(source, 12, "VP8L")) {
    const std::uint32_t bits = numbers.get(21, 4);
    header = {(bits & kSide) + 1, (bits >> 14 & kSide) + 1, false};
  } else if (has_text(source, 12, "VP8X")) {
    constexpr std::uint32_t kAnimation = 2;
    if ((numbers.get(20, 1) & kAnimation) != 0) return std::nullopt;  // the decoder knows none
    header = {numbers.get(24, 3) + std::int64_t{1}, numbers.get(27, 3) + std::int64_t{1}, false};
  } else {
    return std::nullopt;
  }
  if (numbers.failed()) return std::nullopt;
  return header;
}

std::optional<ImageHeader> header_of(Source& source) {
  if (has_text(source, 0, "\xFF\xD8")) return jpeg_header(source);
  if (has_text(source, 0, "\x89PNG")) return png_header(source);
  if (has_text(source, 0, "BM")) return bmp_header(source);
  if (has_text(source, 0, "II*\0"sv) || has_text(source, 0, "MM\0*"sv)) return tiff_header(source);
  if (has_text(source, 0, "RIFF") && has_text(source, 8, "WEBP")) return webp_header(source);
  return std::nullopt;
}

}  // namespace

std::optional<ImageHeader> read_image_header(std::span<const std::uint8_t> file) {
  MemorySource source(file);
  return header_of(source);
}

std::optional<ImageHeader> read_image_header(const std::string& path) {
  FileSource source(path);
  return header_of(source);
}

std::int64_t max_image_pixels() {
  constexpr std::int64_t kDefault = std::int64_t{1} << 28;
  const char* text = std::getenv("GANNET_MAX_IMAGE_PIXELS");
  if (text == nullptr) return kDefault;
  const std::string_view digits = text;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_number = error == std::errc{} && end == digits.data() + digits.size();
  return is_number && value > 0 ? value : kDefault;
}

}  // namespace gannet
