#include "gannet/data/augment/mixup.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace gannet {
namespace {

// Beta(32, 32) has mean 1/2 and variance 1 / (4 * 65).
TEST(MixUp, SharesAreBetaDistributed) {
  double sum = 0, squares = 0;
  constexpr int kDraws = 4000;
  int num_mixed = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    Rng rng({1, 0, i, Purpose::kMixUp});
    const MixUpDraws draws = draw_mixup(0.25, 7, rng);
    EXPECT_GE(draws.partner, 0);
    EXPECT_LT(draws.partner, 7);
    num_mixed += draws.mixes ? 1 : 0;
    sum += draws.share;
    squares += (draws.share - 0.5) * (draws.share - 0.5);
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);
  EXPECT_NEAR(std::sqrt(squares / kDraws), 0.062, 0.002);
  EXPECT_NEAR(num_mixed / double{kDraws}, 0.25, 0.02);
}

TEST(MixUp, MixesAndTruncates) {
  std::vector<std::uint8_t> bytes = {0, 100, 255, 7};
  const std::vector<std::uint8_t> other = {255, 200, 0, 7};
  mix_bytes(bytes.data(), other.data(), 4, 0.25);
  EXPECT_EQ(bytes, (std::vector<std::uint8_t>{191, 175, 63, 7}));  // 191.25, 175, 63.75, 7
}

}  // namespace
}  // namespace gannet
