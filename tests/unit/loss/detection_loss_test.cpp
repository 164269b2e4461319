#include "gannet/loss/detection_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/loss/loss_fixture.h"

namespace gannet {
namespace {

const double kLn2 = std::log(2.0);

LossParts loss_of(const std::vector<torch::Tensor>& raw, const torch::Tensor& targets,
                  const HeadSpec& head, LossOptions options = {}) {
  return DetectionLoss(options)(raw, targets, head);
}

void expect_items(const LossParts& loss, double box, double objectness, double classes,
                  double tolerance = 2e-6) {
  const double expected[] = {box, objectness, classes, box + objectness + classes};
  for (std::int64_t i = 0; i < 4; ++i)
    EXPECT_NEAR(loss.items[i].item<double>(), expected[i], tolerance) << "item " << i;
}

// RB appendix B.5: rows of the table there.
TEST(DetectionLoss, ZerosOfTheBehaviourReference) {
  const HeadSpec head = testing::stock_head();
  const auto raw = testing::zero_outputs(head, 2);
  const LossParts plain = loss_of(raw, testing::stock_targets(), head);
  expect_items(plain, 0.115916, 2.079442, 1.206076);
  EXPECT_NEAR(plain.total.item<double>(), 6.802867, 1e-5);
  const LossParts focal = loss_of(raw, testing::stock_targets(), head, {.focal_gamma = 1.5});
  expect_items(focal, 0.115916, 0.549612, 0.317144);
  EXPECT_NEAR(focal.total.item<double>(), 1.965345, 1e-5);
}

TEST(DetectionLoss, WavesOfTheBehaviourReference) {
  const HeadSpec head = testing::stock_head();
  auto raw = testing::zero_outputs(head, 2);
  for (auto& level : raw)
    level = (torch::arange(level.numel(), torch::kFloat64) * 0.1)
                .sin()
                .to(torch::kFloat32)
                .view(level.sizes());
  const LossParts plain = loss_of(raw, testing::stock_targets(), head);
  expect_items(plain, 0.136797, 2.262730, 1.315490, 1e-5);
  EXPECT_NEAR(plain.total.item<double>(), 7.430032, 2e-5);
  const LossParts focal = loss_of(raw, testing::stock_targets(), head, {.focal_gamma = 1.5});
  expect_items(focal, 0.136797, 0.763789, 0.440943, 1e-5);
  EXPECT_NEAR(focal.total.item<double>(), 2.683057, 2e-5);
}

TEST(DetectionLoss, WithoutTargetsOnlyObjectnessRemains) {
  const HeadSpec head = testing::stock_head();
  auto raw = testing::zero_outputs(head, 2);
  for (auto& level : raw) level.requires_grad_();
  const LossParts loss = loss_of(raw, torch::zeros({0, 6}), head);
  expect_items(loss, 0, 3 * kLn2, 0);  // three levels, each ln 2 on average
  EXPECT_NEAR(loss.total.item<double>(), 2 * 3 * kLn2, 1e-5);
  loss.total.backward();
  for (const auto& level : raw) EXPECT_TRUE(level.grad().isfinite().all().item<bool>());
}

// One anchor of one cell: a prediction of zeros is a box of one cell in the middle of its cell.
// The first target is just that (GIoU 1), the second half as wide (GIoU 0.5). One level counts
// thrice.
TEST(DetectionLoss, TwoImagesCountedByHand) {
  const HeadSpec head = testing::one_anchor_head(2);
  const auto targets =
      torch::tensor({{0.F, 1.F, .375F, .375F, .25F, .25F}, {1.F, 0.F, .625F, .375F, .125F, .25F}});
  const LossParts loss = loss_of(testing::zero_outputs(head, 2), targets, head);
  expect_items(loss, 3 * 0.05 * (0 + 0.5) / 2, 3 * kLn2, 3 * 0.58 * kLn2, 1e-5);
  EXPECT_NEAR(loss.total.item<double>(), 2 * loss.items[3].item<double>(), 1e-5)
      << "times the number of images";
}

TEST(DetectionLoss, ObjectnessTargetIsTheOverlap) {
  const HeadSpec head = testing::one_anchor_head(1);
  auto raw = testing::zero_outputs(head, 1);
  raw[0].select(4, 4).fill_(2);
  const auto targets = torch::tensor({{0.F, 0.F, .625F, .375F, .125F, .25F}});
  // Cross-entropy with logits 2: ln(1 + e^2) - 2 t; 15 cells with t = 0, one with t = 0.5.
  const double empty = std::log(1 + std::exp(2.0));
  expect_items(loss_of(raw, targets, head), 3 * 0.05 * 0.5, 3 * (empty - 1.0 / 16), 0, 1e-5);
  expect_items(loss_of(raw, targets, head, {.overlap_ratio = 0}), 3 * 0.05 * 0.5,
               3 * (empty - 2.0 / 16), 0, 1e-5);
}

// Each image alone has its own divisor; in a batch, matches of all images share one.
TEST(DetectionLoss, BatchWeighsEveryMatchAlike) {
  const HeadSpec head = testing::one_anchor_head(2);
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  const auto raw = torch::randn({2, 1, 4, 4, 7}, generator, torch::kFloat32);
  const auto first =
      torch::tensor({{0.F, 1.F, .375F, .375F, .25F, .25F}, {0.F, 0.F, .625F, .625F, .25F, .2F}});
  const auto second = torch::tensor({{0.F, 0.F, .125F, .875F, .3F, .25F}});
  auto moved = second.clone();
  moved.select(1, 0).fill_(1);
  const auto a = loss_of({raw.slice(0, 0, 1)}, first, head).items,
             b = loss_of({raw.slice(0, 1, 2)}, second, head).items;
  const LossParts batch = loss_of({raw}, torch::cat({first, moved}), head);
  const auto matches = [](const torch::Tensor& x, const torch::Tensor& y, std::int64_t i) {
    return (2 * x[i] + y[i]).item<double>() / 3;
  };
  expect_items(batch, matches(a, b, 0), (a[1] + b[1]).item<double>() / 2, matches(a, b, 2), 1e-5);
}

// What processes rely on: parts of a batch that were counted together add up to the batch.
TEST(DetectionLoss, PartsCountedTogetherAddUp) {
  const HeadSpec head = testing::stock_head();
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(5);
  std::vector<torch::Tensor> raw = testing::zero_outputs(head, 2), halves[2];
  for (auto& level : raw) {
    level = torch::randn(level.sizes(), generator, torch::kFloat64);
    for (int i = 0; i < 2; ++i) halves[i].push_back(level.slice(0, i, i + 1));
  }
  const auto targets = testing::stock_targets();
  const DetectionLoss loss{LossOptions{}};
  LossTargets parts[2];
  LossCounts all{std::vector<double>(7)};
  for (int i = 0; i < 2; ++i) {
    auto own = targets.index({targets.select(1, 0) == i});
    own.select(1, 0).fill_(0);
    parts[i] = loss.assign(halves[i], own, head);
    EXPECT_EQ(parts[i].counts.numbers, loss.count(own, {1, 128, 128}, head).numbers);
    for (std::size_t n = 0; n < all.numbers.size(); ++n)
      all.numbers[n] += parts[i].counts.numbers[n];
  }
  const LossParts whole = loss(raw, targets, head), first = loss(halves[0], parts[0], all),
                  second = loss(halves[1], parts[1], all);
  EXPECT_GT(whole.items[0].item<double>(), 0);
  EXPECT_TRUE(torch::allclose(first.items + second.items, whole.items, 1e-12, 0));
  EXPECT_TRUE(torch::allclose(first.total + second.total, whole.total, 1e-12, 0));
}

TEST(DetectionLoss, HalfPrecisionIsRaised) {
  const HeadSpec head = testing::stock_head();
  auto raw = testing::zero_outputs(head, 2);
  for (auto& level : raw) level = level.to(torch::kBFloat16);
  const LossParts loss = loss_of(raw, testing::stock_targets(), head);
  EXPECT_EQ(loss.total.scalar_type(), torch::kFloat32);
  expect_items(loss, 0.115916, 2.079442, 1.206076, 1e-5);
}

TEST(ElementwiseCrossEntropy, PositiveWeightAndFocus) {
  const auto zero = torch::zeros({1}), one = torch::ones({1});
  EXPECT_NEAR(elementwise_cross_entropy(zero, one, {.positive_weight = 3}).item<double>(), 3 * kLn2,
              1e-6);
  EXPECT_NEAR(elementwise_cross_entropy(zero, zero, {.positive_weight = 3}).item<double>(), kLn2,
              1e-6);
  EXPECT_NEAR(elementwise_cross_entropy(zero, one, {.gamma = 2}).item<double>(), 0.25 * 0.25 * kLn2,
              1e-6);
  EXPECT_NEAR(elementwise_cross_entropy(zero, zero, {.gamma = 2}).item<double>(),
              0.75 * 0.25 * kLn2, 1e-6);
}

TEST(BlurredCrossEntropy, ForgivesMissingLabels) {
  const auto sure = torch::full({1}, 5.0);
  const auto plain = elementwise_cross_entropy(sure, torch::zeros({1}), {}).item<double>();
  EXPECT_LT(blurred_cross_entropy(sure, torch::zeros({1})).item<double>(), plain / 2);
  EXPECT_NEAR(blurred_cross_entropy(-sure, torch::zeros({1})).item<double>(),
              std::log(1 + std::exp(-5.0)), 1e-6);
}

}  // namespace
}  // namespace gannet
