#include "gannet/nn/norm_act.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <tuple>

#include "gannet/nn/norm.h"

namespace gannet {
namespace {

constexpr auto kLast = torch::MemoryFormat::ChannelsLast;

struct Case {
  std::int64_t channels = 0;
  Activation activation = Activation::kNone;
  bool adds = false;
};

struct Result {
  torch::Tensor y, grad_x, grad_weight, grad_bias, grad_residual, mean, variance;
};

/// A norm in training and an activation; in float64 by LibTorch's own operators.
Result run(const Case& c, torch::Dtype dtype, torch::Dtype parameters) {
  torch::manual_seed(3);
  const auto options = torch::dtype(parameters);
  const std::vector<std::int64_t> shape{3, c.channels, 5, 7};
  // A mean far from zero in some channels, where sums of squares alone would lose digits.
  const auto shift = torch::linspace(-3, 4, c.channels).reshape({1, -1, 1, 1});
  const auto values = (torch::randn(shape) + shift).to(torch::kBFloat16);
  const auto leaf = [&](const torch::Tensor& t) {
    return t.to(dtype).contiguous(kLast).set_requires_grad(true);
  };
  const auto x = leaf(values), residual = leaf(torch::randn(shape).to(torch::kBFloat16));
  Norm norm(torch::nn::BatchNorm2dOptions(c.channels).eps(1e-3).momentum(0.03));
  if (parameters != torch::kFloat32) norm->to(parameters);
  {
    const torch::NoGradGuard no_grad;
    norm->weight.copy_(torch::linspace(0.5, 1.5, c.channels, options));
    norm->bias.copy_(torch::linspace(-1, 1, c.channels, options));
  }
  const auto y = norm->forward(x, c.activation, c.adds ? residual : torch::Tensor());
  const auto weights = torch::randn(shape).to(torch::kBFloat16);
  (y * weights.to(y.scalar_type())).sum().backward();
  return {y,
          x.grad(),
          norm->weight.grad(),
          norm->bias.grad(),
          c.adds ? residual.grad() : torch::zeros({1}),
          norm->running_mean,
          norm->running_var};
}

void expect_near(const torch::Tensor& a, const torch::Tensor& b, double tolerance,
                 const std::string& what) {
  const auto difference = (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max();
  const double scale = b.to(torch::kFloat64).abs().max().item<double>();
  EXPECT_LE(difference.item<double>(), tolerance * std::max(scale, 1.0)) << what;
}

class NormActCases
    : public ::testing::TestWithParam<std::tuple<std::int64_t, Activation, bool, torch::Dtype>> {};

TEST_P(NormActCases, EqualsSeparateOperators) {
  const auto& [channels, activation, adds, dtype] = GetParam();
  const Case c{channels, activation, adds};
  const Result own = run(c, dtype, torch::kFloat32),
               expected = run(c, torch::kFloat64, torch::kFloat64);
  ASSERT_EQ(own.y.scalar_type(), dtype);
  const bool exact = dtype == torch::kFloat32;
  expect_near(own.y, expected.y, exact ? 1e-5 : 1e-2, "output");
  expect_near(own.grad_x, expected.grad_x, exact ? 1e-4 : 1e-2, "gradient of x");
  expect_near(own.grad_weight, expected.grad_weight, exact ? 1e-4 : 1e-2, "gradient of weight");
  expect_near(own.grad_bias, expected.grad_bias, exact ? 1e-4 : 1e-2, "gradient of bias");
  expect_near(own.grad_residual, expected.grad_residual, 1e-5, "gradient of the shortcut");
  expect_near(own.mean, expected.mean, 1e-6, "running mean");
  expect_near(own.variance, expected.variance, 1e-6, "running variance");
}

INSTANTIATE_TEST_SUITE_P(All, NormActCases,
                         ::testing::Combine(::testing::Values(1, 5, 24, 64, 255),
                                            ::testing::Values(Activation::kNone,
                                                              Activation::kLeakyRelu,
                                                              Activation::kSilu),
                                            ::testing::Bool(),
                                            ::testing::Values(torch::kFloat32, torch::kBFloat16)));

TEST(NormAct, TakesLargeAndSmallValuesOfSilu) {
  Norm norm(torch::nn::BatchNorm2dOptions(1));
  const auto x = torch::tensor({-200.0F, -20.0F, -1.0F, 0.0F, 1.0F, 20.0F, 200.0F, 3.0F})
                     .reshape({1, 1, 2, 4})
                     .contiguous(kLast);
  const BatchStatistics unchanged{{0}, {1}, 8};
  const auto y =
      norm_act(x, norm->weight, norm->bias, {}, unchanged, {0, Activation::kSilu, nullptr});
  EXPECT_TRUE(torch::allclose(y, torch::silu(x), 1e-6, 1e-30));
}

TEST(NormAct, KeepsValuesThatAreNotFinite) {
  Norm norm(torch::nn::BatchNorm2dOptions(16));
  for (const auto dtype : {torch::kFloat32, torch::kBFloat16}) {
    auto x = torch::randn({2, 16, 3, 3}).to(dtype).contiguous(kLast);
    x[0][3][1][1] = std::nanf("");
    const auto y = norm->forward(x, Activation::kLeakyRelu);
    EXPECT_TRUE(y.select(1, 3).isnan().all().item<bool>());
    EXPECT_FALSE(y.select(1, 4).isnan().any().item<bool>());
  }
}

TEST(NormAct, TakesOnlyChannelsSideBySide) {
  const auto x = torch::zeros({2, 8, 3, 3});
  EXPECT_FALSE(can_norm_act(x));
  EXPECT_TRUE(can_norm_act(x.contiguous(kLast)));
  EXPECT_FALSE(can_norm_act(x.to(torch::kFloat64).contiguous(kLast)));
  EXPECT_FALSE(can_norm_act(x.slice(0, 0, 0).contiguous(kLast)));
}

}  // namespace
}  // namespace gannet
