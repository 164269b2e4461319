#include "gannet/io/byte_reader.h"

#include <fmt/format.h>

#include "gannet/core/error.h"

namespace gannet {
namespace {

/// Length of the sequence that this first byte announces, and the range of the second byte.
struct Utf8Lead {
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;
};

Utf8Lead utf8_lead(unsigned char c) {
  if (c < 0x80) return {1};
  if (c < 0xC2) return {};
  if (c < 0xE0) return {2};
  if (c == 0xE0) return {3, 0xA0, 0xBF};
  if (c == 0xED) return {3, 0x80, 0x9F};
  if (c < 0xF0) return {3};
  if (c == 0xF0) return {4, 0x90, 0xBF};
  if (c < 0xF4) return {4};
  if (c == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

}  // namespace

void refuse(const std::string& what, const std::string& advice) {
  throw Error(ErrorKind::kCheckpoint, what, {}, advice);
}

std::string_view ByteReader::take(std::uint64_t size) {
  if (size > remaining()) {
    refuse(fmt::format("{} ends early: {} bytes needed at byte {}, {} left", what_, size, position_,
                       remaining()));
  }
  const std::string_view piece = bytes_.substr(position_, static_cast<std::size_t>(size));
  position_ += piece.size();
  return piece;
}

std::string_view ByteReader::line() {
  const std::size_t end = bytes_.find('\n', position_);
  if (end == std::string_view::npos) refuse(fmt::format("{} ends in the middle of a line", what_));
  const std::string_view piece = bytes_.substr(position_, end - position_);
  position_ = end + 1;
  return piece;
}

std::uint64_t ByteReader::number(std::size_t size) {
  std::uint64_t value = 0;
  int shift = 0;
  for (const char c : take(size)) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(c)) << shift;
    shift += 8;
  }
  return value;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string result;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      result += c;
    } else {
      result += fmt::format("\\x{:02x}", byte);
    }
  }
  if (text.size() > kLongest) result += "...";
  return result;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[i + k]); };
    const Utf8Lead lead = utf8_lead(byte(0));
    if (lead.length == 0 || lead.length > text.size() - i) return false;
    if (lead.length > 1 && (byte(1) < lead.low || byte(1) > lead.high)) return false;
    for (std::size_t k = 2; k < lead.length; ++k) {
      if ((byte(k) & 0xC0) != 0x80) return false;
    }
    i += lead.length;
  }
  return true;
}

}  // namespace gannet
