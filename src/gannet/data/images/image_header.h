// Sizes of pictures from the first bytes of their files: an index of a large data set would take
// hours if each picture were decoded, and a picture that is too large must be refused before any
// memory is taken for it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace gannet {

struct ImageHeader {
  std::int64_t width = 0, height = 0;  // as stored, px
  std::uint32_t orientation = 1;       // EXIF or TIFF tag; from 5 on it swaps width and height
  bool is_turned() const { return orientation >= 5 && orientation <= 8; }
};

/// Of JPEG, PNG, BMP, TIFF and WebP. Nothing if these are no such bytes, or they end before the
/// size is said.
std::optional<ImageHeader> read_image_header(std::span<const std::uint8_t> file);
/// Reads as little of the file as possible; nothing also if it cannot be opened.
std::optional<ImageHeader> read_image_header(const std::string& path);

/// The most pixels that a picture may have: 2^28, or what the environment variable
/// GANNET_MAX_IMAGE_PIXELS says.
std::int64_t max_image_pixels();

}  // namespace gannet
