// A cursor over foreign bytes that never leaves them: every read is checked against what remains.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gannet {

/// Reads little-endian numbers and pieces from the front of `bytes`, which must outlive it.
/// Every function throws Error (kCheckpoint) "<what> ends early" when too little remains.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes, std::string_view what = "the file")
      : bytes_(bytes), what_(what) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }
  bool at_end() const { return remaining() == 0; }

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  /// The next `size` bytes, not copied.
  std::string_view take(std::uint64_t size);
  /// Up to the next newline, which is consumed and left out.
  std::string_view line();

 private:
  std::uint64_t number(std::size_t size);

  std::string_view bytes_;
  std::string_view what_;
  std::size_t position_ = 0;
};

/// Throws Error (kCheckpoint): the file's content is at fault.
[[noreturn]] void refuse(const std::string& what, const std::string& advice = {});

/// Foreign text for a message: control and non-ASCII bytes escaped, cut after 60 characters.
std::string printable(std::string_view text);

/// Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

}  // namespace gannet
