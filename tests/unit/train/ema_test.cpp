#include "gannet/train/ema.h"

#include <gtest/gtest.h>

#include "tests/unit/nn/vector_models.h"

namespace gannet {
namespace {

using testing::make_model;

// RB appendix B.1.
TEST(Ema, DecayGrowsWithTheUpdates) {
  const auto model = make_model("shallow", {});
  const Ema ema(*model), quick(*model, {.decay = 0.9, .tau = 0});
  EXPECT_EQ(quick.decay(1), 0.9);
  EXPECT_NEAR(ema.decay(1), 0.000499825, 1e-9);
  EXPECT_NEAR(ema.decay(10), 0.004987022, 1e-9);
  EXPECT_NEAR(ema.decay(1000), 0.393429993, 1e-9);
  EXPECT_NEAR(ema.decay(2000), 0.632057347, 1e-9);
  EXPECT_NEAR(ema.decay(20000), 0.999854605, 1e-9);
}

TEST(Ema, StartsAsAFrozenCopy) {
  const auto model = make_model("shallow", {.num_classes = 4, .seed = 8});
  testing::disturb_norms(*model);
  Ema ema(*model);
  testing::expect_equal_states(ema.model(), *model);
  EXPECT_FALSE(ema.model().is_training());
  for (const auto& p : ema.model().parameters()) EXPECT_FALSE(p.requires_grad());
  for (const auto& p : model->parameters()) EXPECT_TRUE(p.requires_grad());
}

TEST(Ema, UpdateMovesFloatingTensorsTowardsTheModel) {
  const auto model = make_model("shallow");
  const torch::NoGradGuard no_grad;
  testing::entry(*model, "model.0.conv.bn.running_mean").fill_(0);
  Ema ema(*model);
  ema.set_updates(1999);
  testing::entry(*model, "model.0.conv.bn.running_mean").fill_(1);
  testing::entry(*model, "model.0.conv.bn.num_batches_tracked").fill_(5);
  ema.update(*model);
  EXPECT_EQ(ema.updates(), 2000);
  const auto average = testing::entry(ema.model(), "model.0.conv.bn.running_mean");
  EXPECT_NEAR(average[0].item<double>(), 1 - 0.632057347, 1e-6);
  EXPECT_EQ(testing::entry(ema.model(), "model.0.conv.bn.num_batches_tracked").item<std::int64_t>(),
            0);
}

TEST(Ema, AnchorsAreCopied) {
  const auto model = make_model("shallow");
  Ema ema(*model);
  HeadSpec spec = model->head();
  spec.anchors_px[1][1] = {77, 88};
  model->detect().set_anchors(spec);
  ema.copy_anchors(*model);
  EXPECT_EQ(ema.model().head().anchors_px, spec.anchors_px);
}

}  // namespace
}  // namespace gannet
