// Hashes of bytes: names of cache files and checksums of what lies in them. Not for secrets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gannet {

/// 64-bit FNV-1a hash: for texts that name something.
std::uint64_t fnv1a64(std::string_view text);

/// Checksum of any number of bytes at the speed of memory; equal on machines of equal byte order.
std::uint64_t checksum64(const void* data, std::size_t size);

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4): what record files of others are checked with.
std::uint32_t crc32c(std::string_view bytes);

/// A checksum of many pieces, in their order, as sixteen hexadecimal digits.
class Fingerprint {
 public:
  void add(const void* data, std::size_t size);
  std::string text() const;

 private:
  std::uint64_t value_ = 0;
};

}  // namespace gannet
