#include <gtest/gtest.h>

#include "gannet/train/step.h"

namespace gannet {
namespace {

// Six grey images 0.1, 0.2, ... with a target each: a group of four and two left over.
TEST(FourInOne, SquaresEnlargesAndKeepsWhatIsLeft) {
  Inputs inputs;
  inputs.images = torch::arange(1, 7)
                      .to(torch::kFloat32)
                      .div(10)
                      .reshape({6, 1, 1, 1})
                      .expand({6, 3, 4, 4})
                      .contiguous();
  inputs.targets_N6 = torch::tensor({{0.0, 1.0, 0.5, 0.5, 0.2, 0.4},
                                     {1.0, 2.0, 0.5, 0.5, 0.2, 0.4},
                                     {2.0, 3.0, 0.25, 0.5, 0.2, 0.4},
                                     {5.0, 4.0, 0.5, 0.5, 0.2, 0.4}})
                          .to(torch::kFloat32);
  bool seen_square = false, seen_alone = false;
  for (std::uint64_t seed = 0; seed < 20 && !(seen_square && seen_alone); ++seed) {
    Rng rng({seed, 0, 0, Purpose::kTest});
    const Inputs made = four_in_one(inputs, rng);
    ASSERT_EQ(made.images.sizes(), (std::vector<std::int64_t>{3, 3, 8, 8}));
    const auto corner = [&](int y, int x) { return made.images[0][0][y][x].item<float>(); };
    EXPECT_FLOAT_EQ(corner(0, 0), 0.1F);
    EXPECT_FLOAT_EQ(made.images[2][0][4][4].item<float>(), 0.6F);
    const auto last = made.targets_N6[-1];
    EXPECT_EQ(last[0].item<float>(), 2);
    EXPECT_EQ(last[2].item<float>(), 0.5F);
    if (corner(7, 7) == corner(0, 0)) {  // the first alone
      seen_alone = true;
      ASSERT_EQ(made.targets_N6.size(0), 2);
      EXPECT_TRUE(torch::equal(made.targets_N6[0], inputs.targets_N6[0]));
      continue;
    }
    seen_square = true;
    EXPECT_FLOAT_EQ(corner(7, 0), 0.2F);  // the second below the first
    EXPECT_FLOAT_EQ(corner(0, 7), 0.3F);
    EXPECT_FLOAT_EQ(corner(7, 7), 0.4F);
    ASSERT_EQ(made.targets_N6.size(0), 4);
    const auto below = made.targets_N6[1], right = made.targets_N6[2];
    EXPECT_TRUE(torch::allclose(below.slice(0, 2),
                                torch::tensor({0.25, 0.75, 0.1, 0.2}).to(torch::kFloat32)));
    EXPECT_TRUE(torch::allclose(right.slice(0, 2),
                                torch::tensor({0.625, 0.25, 0.1, 0.2}).to(torch::kFloat32)));
  }
  EXPECT_TRUE(seen_square && seen_alone);
}

}  // namespace
}  // namespace gannet
