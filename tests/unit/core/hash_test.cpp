#include "gannet/core/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace gannet {
namespace {

TEST(Hash, Fnv1aOfKnownTexts) {
  EXPECT_EQ(fnv1a64(""), 0xCBF29CE484222325u);
  EXPECT_EQ(fnv1a64("a"), 0xAF63DC4C8601EC8Cu);
}

TEST(Hash, EveryBitAndLengthChangesTheChecksum) {
  for (const std::size_t size : {1, 7, 31, 32, 33, 100}) {
    std::string bytes(size, '\0');
    std::set<std::uint64_t> seen = {checksum64(bytes.data(), size)};
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      bytes[bit / 8] = static_cast<char>(1 << bit % 8);
      EXPECT_TRUE(seen.insert(checksum64(bytes.data(), size)).second) << size << ' ' << bit;
      bytes[bit / 8] = 0;
    }
  }
  const std::string zeros(64, '\0');
  std::set<std::uint64_t> seen;
  for (std::size_t size = 0; size <= zeros.size(); ++size) {
    EXPECT_TRUE(seen.insert(checksum64(zeros.data(), size)).second) << size;
  }
}

// The check value of the catalogue of CRCs, and 32 zeros of RFC 3720, appendix B.4.
TEST(Hash, Crc32cGivesThePublishedValues) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(""), 0u);
}

}  // namespace
}  // namespace gannet
