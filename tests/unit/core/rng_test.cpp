#include "gannet/core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace gannet {
namespace {

using Block = std::array<std::uint32_t, 4>;

// Known answers of the Random123 library (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32({ones, ones, ones, ones}, {ones, ones}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Fnv1a32, KnownAnswers) {
  EXPECT_EQ(fnv1a32(""), 0x811C9DC5U);
  EXPECT_EQ(fnv1a32("a"), 0xE40C292CU);
}

TEST(Rng, EveryPartOfTheKeySelectsAnotherStream) {
  const RngKey base{7, 3, 11, Purpose::kMosaic};
  const std::vector<RngKey> others = {{8, 3, 11, Purpose::kMosaic},
                                      {7, 4, 11, Purpose::kMosaic},
                                      {7, 3, 12, Purpose::kMosaic},
                                      {7, 3, 11 + (std::uint64_t{1} << 32), Purpose::kMosaic},
                                      {7, 3, 11, Purpose::kAffine}};
  const std::uint64_t first = Rng(base).bits64();
  EXPECT_EQ(Rng(base).bits64(), first);
  for (const RngKey& other : others) EXPECT_NE(Rng(other).bits64(), first);
}

TEST(Rng, CopiesContinueWithEqualNumbers) {
  Rng rng({});
  rng.bits64();
  Rng copy = rng;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(rng.bits64(), copy.bits64());
}

TEST(Rng, NumbersStayInTheirRange) {
  Rng rng({1, 0, 0, Purpose::kTest});
  double sum = 0;
  std::array<int, 3> counts{};
  constexpr int draws = 3000;
  for (int i = 0; i < draws; ++i) {
    const double u = rng.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    const double v = rng.uniform(-2, -1);
    ASSERT_GE(v, -2);
    ASSERT_LT(v, -1);
    const std::int64_t n = rng.below(3);
    ASSERT_GE(n, 0);
    ASSERT_LT(n, 3);
    ++counts[static_cast<std::size_t>(n)];
  }
  EXPECT_NEAR(sum / draws, 0.5, 0.03);
  for (const int count : counts) EXPECT_NEAR(count, draws / 3, 150);
  EXPECT_EQ(rng.below(1), 0);
}

TEST(Rng, NormalHasMeanZeroAndVarianceOne) {
  Rng rng({2, 0, 0, Purpose::kTest});
  double sum = 0, squares = 0;
  constexpr int draws = 4000;
  for (int i = 0; i < draws; ++i) {
    const double x = rng.normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / draws, 0, 0.08);
  EXPECT_NEAR(squares / draws, 1, 0.12);
}

TEST(Permutation, HoldsEveryNumberOnce) {
  auto order = permutation(100, {5, 0, 0, Purpose::kOrder});
  EXPECT_EQ(order, permutation(100, {5, 0, 0, Purpose::kOrder}));
  EXPECT_NE(order, permutation(100, {5, 1, 0, Purpose::kOrder}));
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], static_cast<std::int64_t>(i));
}

TEST(Permutation, OfNothingAndOfOne) {
  EXPECT_TRUE(permutation(0, {}).empty());
  EXPECT_EQ(permutation(1, {}), std::vector<std::int64_t>{0});
}

}  // namespace
}  // namespace gannet
