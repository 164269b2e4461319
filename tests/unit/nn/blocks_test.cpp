#include "gannet/nn/blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gannet/nn/norm.h"
#include "tests/unit/nn/vector_models.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using testing::random_tensor;

TEST(Activate, CountedByHand) {
  const auto x = torch::tensor({-1.0F, 2.0F});
  EXPECT_TRUE(
      torch::allclose(activate(x.clone(), Activation::kLeakyRelu), torch::tensor({-0.1F, 2.0F})));
  EXPECT_TRUE(torch::allclose(activate(x.clone(), Activation::kSilu), x * x.sigmoid()));
  EXPECT_TRUE(torch::equal(activate(x.clone(), Activation::kNone), x));
}

struct FuseCase {
  std::int64_t in, out, groups;
};

TEST(ConvBnAct, FuseKeepsTheOutputWithGroupsToo) {
  for (const FuseCase& c : {FuseCase{4, 6, 1}, FuseCase{4, 8, 2}, FuseCase{4, 4, 4}}) {
    ConvBnAct block(
        {.in = c.in, .out = c.out, .kernel = square(3), .stride = square(2), .groups = c.groups},
        kStyleJuly2020);
    testing::disturb_norms(block);
    block.eval();
    const auto x = random_tensor({2, c.in, 8, 6}, 1);
    const auto before = block(x);
    block.fuse();
    EXPECT_TRUE(torch::allclose(block(x), before, 1e-4, 1e-5)) << c.groups << " groups";
    EXPECT_EQ(state_dict(block).size(), 2U) << "weight and bias";
    block.fuse();  // again: nothing left to do
    EXPECT_TRUE(torch::allclose(block(x), before, 1e-4, 1e-5));
  }
}

TEST(MakeDepthwise, GroupsAreTheGreatestCommonDivisor) {
  const auto block = make_depthwise({.in = 4, .out = 6, .kernel = square(3)}, kStyleJuly2020);
  EXPECT_EQ(testing::entry(*block, "conv.weight").sizes(), (torch::IntArrayRef{6, 2, 3, 3}));
}

TEST(Focus, PhasesGoToChannels) {
  Focus focus({.in = 1, .out = 4}, {Activation::kNone, 1e-9, 0.03});
  {
    const torch::NoGradGuard no_grad;
    testing::entry(focus, "conv.conv.weight").copy_(torch::eye(4).view({4, 4, 1, 1}));
  }
  focus.eval();
  // Order: (row, column) phases (0,0), (1,0), (0,1), (1,1).
  const auto y = focus(torch::tensor({{1.0F, 2.0F}, {3.0F, 4.0F}}).view({1, 1, 2, 2}));
  EXPECT_TRUE(torch::allclose(y.flatten(), torch::tensor({1.0F, 3.0F, 2.0F, 4.0F}))) << y;
}

TEST(Sppf, EqualsTheSppOfItsReceptiveFields) {
  Spp spp(8, 6, {5, 9, 13}, kStyleRelease7);
  Sppf sppf(8, 6, 5, kStyleRelease7);
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state_dict(spp)) testing::entry(sppf, name).copy_(tensor);
  spp.eval();
  sppf.eval();
  const auto x = random_tensor({1, 8, 12, 10}, 2);
  EXPECT_TRUE(torch::equal(spp(x), sppf(x)));
}

TEST(Bottleneck, ShortcutOnlyBetweenEqualWidths) {
  const auto gives_input = [](std::int64_t out, bool shortcut) {
    Bottleneck block({.in = 4, .out = out, .shortcut = shortcut}, kStyleJuly2020);
    const torch::NoGradGuard no_grad;
    testing::entry(block, "cv2.conv.weight").zero_();
    block.eval();
    const auto x = random_tensor({1, 4, 3, 3}, 3);
    const auto y = block(x);
    return y.sizes() == x.sizes() && torch::equal(y, x);
  };
  EXPECT_TRUE(gives_input(4, true));
  EXPECT_FALSE(gives_input(4, false));
  EXPECT_FALSE(gives_input(6, true));
}

TEST(MixConv, SharesSumToTheWidth) {
  EXPECT_THAT(MixConv::split_channels(8, 8, {1, 3}, true), ElementsAre(4, 4));
  EXPECT_THAT(MixConv::split_channels(8, 10, {1, 3}, false),
              ElementsAre(9, 1));  // 9 * 1 weights = 1 * 9
}

TEST(Sum, PlainAndWeighted) {
  const auto one = torch::ones({1, 1, 1, 1});
  EXPECT_EQ(Sum(3, false).forward({one, one * 2, one * 4}).item<float>(), 7);
  Sum weighted(2, true);
  {
    const torch::NoGradGuard no_grad;
    testing::entry(weighted, "w").zero_();  // 2 sigmoid(0) = 1
  }
  EXPECT_EQ(weighted.forward({one, one * 2}).item<float>(), 3);
}

TEST(ConcatAndUpsample, Shapes) {
  const auto x = random_tensor({2, 3, 4, 5}, 4);
  EXPECT_EQ(Concat(1).forward({x, x, x}).sizes(), (torch::IntArrayRef{2, 9, 4, 5}));
  const auto y = Upsample(2, "nearest").apply_to(x);
  ASSERT_EQ(y.sizes(), (torch::IntArrayRef{2, 3, 8, 10}));
  EXPECT_TRUE(torch::equal(y.slice(2, 1, 8, 2).slice(3, 0, 10, 2), x));
}

TEST(BlocksOfTwoParts, OutputShapes) {
  const auto x = random_tensor({2, 8, 6, 6}, 5);
  const std::vector<std::int64_t> same = {2, 12, 6, 6};
  EXPECT_EQ(BottleneckCsp({.in = 8, .out = 12, .repeats = 2}, kStyleJuly2020)(x).sizes(), same);
  EXPECT_EQ(C3({.in = 8, .out = 12, .repeats = 2}, kStyleRelease7)(x).sizes(), same);
  EXPECT_EQ(GhostConv({.in = 8, .out = 12}, kStyleJuly2020)(x).sizes(), same);
  EXPECT_EQ(CrossConv({.in = 8, .out = 12}, kStyleJuly2020)(x).sizes(), same);
  EXPECT_EQ(GhostBottleneck(8, 12, 3, 2, kStyleJuly2020)(x).sizes(),
            (torch::IntArrayRef{2, 12, 3, 3}));
}

TEST(Norm, OneValuePerChannelKeepsTheStatistics) {
  Norm norm(torch::nn::BatchNorm2dOptions(3));
  norm->train();
  const auto mean = norm->running_mean.clone();
  const auto x = torch::tensor({1.0F, 2.0F, 3.0F}).reshape({1, 3, 1, 1}).requires_grad_();
  const auto y = norm->forward(x);
  EXPECT_TRUE(torch::allclose(y, x, 1e-4));  // of mean 0 and variance 1
  EXPECT_TRUE(torch::equal(norm->running_mean, mean));
  y.sum().backward();
  EXPECT_TRUE(torch::isfinite(x.grad()).all().item<bool>());
  norm->require_values(4);
  norm->forward(torch::rand({3, 3, 1, 1}));
  EXPECT_TRUE(torch::equal(norm->running_mean, mean));
  norm->forward(torch::rand({4, 3, 1, 1}));
  EXPECT_FALSE(torch::equal(norm->running_mean, mean));
}

}  // namespace
}  // namespace gannet
