// The pictures in the body of a request, before they are decoded.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace gannet {

/// Bytes of a picture file, and the pixels that its header claims.
struct PostedPicture {
  std::vector<std::uint8_t> bytes;
  std::int64_t pixels = 0;
};

/// A form's fields `image`, or the body itself where it is no form. Throws Error (kData) for a form
/// that cannot be read, for none of them, and for bytes whose header says no size.
std::vector<PostedPicture> posted_pictures(std::string_view content_type, std::string_view body);

}  // namespace gannet
