#include "gannet/core/numeric.h"

#include <gtest/gtest.h>

namespace gannet {
namespace {

TEST(RoundHalfEven, HalvesGoToTheEvenNeighbour) {
  EXPECT_EQ(round_half_even(0.5), 0);
  EXPECT_EQ(round_half_even(1.5), 2);
  EXPECT_EQ(round_half_even(2.5), 2);
  EXPECT_EQ(round_half_even(-1.5), -2);
  EXPECT_EQ(round_half_even(-2.5), -2);
  EXPECT_EQ(round_half_even(2.51), 3);
}

TEST(CeilToMultiple, RoundsUp) {
  EXPECT_EQ(ceil_to_multiple(16, 8), 16);
  EXPECT_EQ(ceil_to_multiple(16.1, 8), 24);
  EXPECT_EQ(ceil_to_multiple(255, 8), 256);
  EXPECT_EQ(ceil_to_multiple(650, 32), 672);
  EXPECT_EQ(ceil_to_multiple(0, 8), 0);
}

}  // namespace
}  // namespace gannet
