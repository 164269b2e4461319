#include "gannet/core/hash.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace gannet {
namespace {

constexpr std::uint64_t kOffset = 0xCBF29CE484222325u, kPrime = 0x100000001B3u;
constexpr std::uint64_t kOddFactor = 0x9E3779B97F4A7C15u;

/// One-to-one in `word` for a fixed `lane`: no change of a single word goes unnoticed.
std::uint64_t mix(std::uint64_t lane, std::uint64_t word) {
  const std::uint64_t product = (lane ^ word) * kOddFactor;
  return product ^ (product >> 32);
}

/// The remainder of each byte, least significant bit first.
constexpr std::array<std::uint32_t, 256> kCastagnoli = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit)
      remainder = (remainder >> 1) ^ (remainder % 2 != 0 ? 0x82F63B78u : 0);
    table[byte] = remainder;
  }
  return table;
}();

}  // namespace

std::uint64_t fnv1a64(std::string_view text) {
  std::uint64_t hash = kOffset;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return hash;
}

std::uint64_t checksum64(const void* data, std::size_t size) {
  std::array<std::uint64_t, 4> lanes = {1, 2, 3, 4}, words;
  const char* bytes = static_cast<const char*>(data);
  std::size_t left = size;
  for (; left >= sizeof words; left -= sizeof words, bytes += sizeof words) {
    std::memcpy(words.data(), bytes, sizeof words);
    for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i] = mix(lanes[i], words[i]);
  }
  words.fill(0);
  if (left > 0) std::memcpy(words.data(), bytes, left);
  std::uint64_t sum = size;
  for (std::size_t i = 0; i < lanes.size(); ++i) sum = mix(sum, mix(lanes[i], words[i]));
  return sum;
}

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes)
    crc = (crc >> 8) ^ kCastagnoli[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~crc;
}

void Fingerprint::add(const void* data, std::size_t size) {
  value_ = checksum64(data, size) ^ (value_ * kOddFactor);
}

std::string Fingerprint::text() const { return fmt::format("{:016x}", value_); }

}  // namespace gannet
