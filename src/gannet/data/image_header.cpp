// Sizes of pictures from the first bytes of their files: an index of a large data set would take
// hours if each picture were decoded.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gannet/data/image_io.h"
#include "gannet/data/jpeg.h"

namespace gannet {
namespace {

using Bytes = std::span<const std::uint8_t>;

class Reader {
 public:
  explicit Reader(const std::string& path) : stream_(path, std::ios::binary) {}

  /// Fewer bytes than asked for at the end of the file.
  std::vector<std::uint8_t> read(std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    stream_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    bytes.resize(static_cast<std::size_t>(stream_.gcount()));
    return bytes;
  }
  void skip(std::size_t size) { stream_.seekg(static_cast<std::streamoff>(size), std::ios::cur); }

 private:
  std::ifstream stream_;
};

std::uint32_t number(Bytes bytes, std::size_t at, std::size_t size, bool little_endian) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t byte = bytes[at + (little_endian ? size - 1 - i : i)];
    value = value << 8 | byte;
  }
  return value;
}

}  // namespace

int exif_orientation(std::span<const std::uint8_t> segment) {
  constexpr std::array<std::uint8_t, 6> kName = {'E', 'x', 'i', 'f', 0, 0};
  if (segment.size() < 14 || !std::equal(kName.begin(), kName.end(), segment.begin())) return 0;
  const Bytes tiff = segment.subspan(kName.size());
  const bool little = tiff[0] == 'I';
  const std::size_t directory = number(tiff, 4, 4, little);
  if (directory + 2 > tiff.size()) return 1;
  const std::size_t entries = number(tiff, directory, 2, little);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.size()) break;
    constexpr std::uint32_t kOrientation = 0x0112;
    if (number(tiff, entry, 2, little) == kOrientation) {
      return static_cast<int>(number(tiff, entry + 8, 2, little));
    }
  }
  return 1;
}

namespace {

std::optional<cv::Size> jpeg_size(Reader& reader) {
  int orientation = 0;
  reader.skip(2);
  while (true) {
    const auto head = reader.read(4);
    if (head.size() < 4 || head[0] != 0xFF) return std::nullopt;
    const int marker = head[1];
    const std::size_t length = number(head, 2, 2, false);
    if (length < 2 || marker == 0xD9 || marker == 0xDA) return std::nullopt;
    const bool is_frame =
        marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (is_frame) {
      const auto frame = reader.read(length - 2);
      if (frame.size() < 5) return std::nullopt;
      const cv::Size size(static_cast<int>(number(frame, 3, 2, false)),
                          static_cast<int>(number(frame, 1, 2, false)));
      return orientation >= 5 && orientation <= 8 ? cv::Size(size.height, size.width) : size;
    }
    constexpr int kApp1 = 0xE1;
    if (marker == kApp1 && orientation == 0) {
      orientation = exif_orientation(reader.read(length - 2));
    } else {
      reader.skip(length - 2);
    }
  }
}

/// Nothing when an EXIF chunk comes before the pixels: the decoder decides what it means.
std::optional<cv::Size> png_size(Reader& reader) {
  reader.skip(8);
  cv::Size size;
  while (true) {
    const auto head = reader.read(8);
    if (head.size() < 8) return std::nullopt;
    const std::string type(head.begin() + 4, head.end());
    const std::size_t length = number(head, 0, 4, false);
    if (type == "IDAT") return size;
    if (type == "eXIf") return std::nullopt;
    if (type == "IHDR") {
      const auto header = reader.read(8);
      if (header.size() < 8 || length < 8) return std::nullopt;
      size = {static_cast<int>(number(header, 0, 4, false)),
              static_cast<int>(number(header, 4, 4, false))};
      reader.skip(length - 8 + 4);
    } else {
      reader.skip(length + 4);  // data and checksum
    }
  }
}

std::optional<cv::Size> bmp_size(Reader& reader) {
  const auto header = reader.read(26);
  if (header.size() < 26 || number(header, 14, 4, true) < 40) return std::nullopt;
  const auto height = static_cast<std::int32_t>(number(header, 22, 4, true));
  return cv::Size(static_cast<int>(number(header, 18, 4, true)), std::abs(height));
}

std::optional<cv::Size> header_size(const std::string& path) {
  const auto magic = Reader(path).read(8);
  if (magic.size() < 8) return std::nullopt;
  Reader reader(path);
  if (magic[0] == 0xFF && magic[1] == 0xD8) return jpeg_size(reader);
  if (magic[0] == 0x89 && magic[1] == 'P' && magic[2] == 'N') return png_size(reader);
  if (magic[0] == 'B' && magic[1] == 'M') return bmp_size(reader);
  return std::nullopt;
}

}  // namespace

cv::Size read_image_size(const std::string& path) {
  const std::optional<cv::Size> size = header_size(path);
  if (size && size->width > 0 && size->height > 0) return *size;
  return decode_image(path).size();  // other formats and odd headers; names what is wrong
}

}  // namespace gannet
