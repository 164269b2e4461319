#include "gannet/ops/boxes.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace gannet {
namespace {

constexpr IouKind kKinds[] = {IouKind::kIou, IouKind::kGiou, IouKind::kDiou, IouKind::kCiou};

/// Corner boxes with sides of at least one, in float64.
torch::Tensor random_boxes(std::int64_t count, std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const auto values = torch::rand({count, 4}, generator, torch::kFloat64) * 50;
  const auto corner = values.slice(1, 0, 2);
  return torch::cat({corner, corner + values.slice(1, 2, 4) + 1}, 1);
}

TEST(Boxes, FramesUndoEachOther) {
  const auto boxes = torch::tensor({{50.0, 50.0, 20.0, 40.0}});
  EXPECT_TRUE(torch::equal(cxcywh_to_xyxy(boxes), torch::tensor({{40.0, 30.0, 60.0, 70.0}})));
  EXPECT_TRUE(torch::equal(xyxy_to_cxcywh(cxcywh_to_xyxy(boxes)), boxes));
  EXPECT_EQ(cxcywh_to_xyxy(torch::zeros({2, 0, 4})).sizes(), torch::zeros({2, 0, 4}).sizes());
}

// RB appendix B.2. CIoU of equal boxes is 1 where the original gives NaN (Q49).
TEST(PairedIou, GoldenNumbers) {
  const auto a = torch::tensor({{50.0, 50.0, 20.0, 40.0}}).expand({3, 4});
  const auto b = torch::tensor(
      {{55.0, 45.0, 30.0, 30.0}, {50.0, 50.0, 20.0, 40.0}, {200.0, 200.0, 10.0, 10.0}});
  const double expected[4][3] = {{0.545455, 1, 0},
                                 {0.462121, 1, -0.968831},
                                 {0.525455, 1, -0.777874},
                                 {0.521909, 1, -0.779563}};
  for (std::size_t kind = 0; kind < 4; ++kind) {
    const auto iou = paired_iou_cxcywh(a, b, kKinds[kind]);
    for (std::int64_t i = 0; i < 3; ++i)
      EXPECT_NEAR(iou[i].item<double>(), expected[kind][i], 2e-6)
          << "kind " << kind << " pair " << i;
  }
}

TEST(PairedIou, SymmetricBoundedAndShiftInvariant) {
  const auto a = random_boxes(200, 1), b = random_boxes(200, 2);
  for (const IouKind kind : kKinds) {
    const auto iou = paired_iou_xyxy(a, b, kind);
    EXPECT_TRUE(torch::allclose(iou, paired_iou_xyxy(b, a, kind), 1e-9, 1e-9));
    EXPECT_TRUE(torch::allclose(iou, paired_iou_xyxy(a + 17, b + 17, kind), 1e-9, 1e-9));
    EXPECT_LE(iou.max().item<double>(), 1 + 1e-9);
    EXPECT_GE(iou.min().item<double>(), kind == IouKind::kIou ? 0 : -2);
    EXPECT_TRUE(torch::allclose(paired_iou_xyxy(a, a, kind), torch::ones({200}, torch::kFloat64)));
  }
}

TEST(PairedIou, GradientOfEqualBoxesIsFinite) {
  for (const IouKind kind : kKinds) {
    auto a = torch::tensor({{0.0, 0.0, 2.0, 2.0}}).requires_grad_();
    paired_iou_cxcywh(a, a.detach(), kind).sum().backward();
    EXPECT_TRUE(a.grad().isfinite().all().item<bool>()) << static_cast<int>(kind);
  }
}

TEST(PairwiseIou, EveryPairOnce) {
  const auto a = random_boxes(5, 3), b = random_boxes(7, 4);
  const auto iou = pairwise_iou(a, b);
  ASSERT_EQ(iou.sizes(), (torch::IntArrayRef{5, 7}));
  for (std::int64_t i = 0; i < 5; ++i)
    EXPECT_TRUE(torch::allclose(iou[i], paired_iou_xyxy(a[i].expand({7, 4}), b, IouKind::kIou),
                                1e-6, 1e-6));
  EXPECT_TRUE(torch::allclose(iou.t(), pairwise_iou(b, a)));
  EXPECT_EQ(pairwise_iou(a, torch::zeros({0, 4}, torch::kFloat64)).numel(), 0);
}

TEST(SizeIou, CountedByHand) {
  const auto iou =
      size_iou(torch::tensor({{2.0, 4.0}}), torch::tensor({{2.0, 4.0}, {4.0, 2.0}, {1.0, 1.0}}));
  EXPECT_TRUE(torch::allclose(iou, torch::tensor({{1.0, 4.0 / 12, 1.0 / 8}})));
}

}  // namespace
}  // namespace gannet
