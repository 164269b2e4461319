#include "gannet/data/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace gannet {
namespace {

using ::testing::ElementsAre;

std::vector<std::int64_t> all_indices(const std::vector<BatchPlan>& plans) {
  std::vector<std::int64_t> all;
  for (const BatchPlan& plan : plans)
    all.insert(all.end(), plan.indices.begin(), plan.indices.end());
  return all;
}

TEST(Sampler, EpochIsAPermutation) {
  SamplerOptions options;
  options.num_images = 103;
  options.image_size = 320;
  const auto plans = plan_epoch(options, 4);
  ASSERT_EQ(plans.size(), 7);
  EXPECT_EQ(plans[6].indices.size(), 7);  // the rest is kept
  EXPECT_EQ(plans[6].number, 6);
  EXPECT_EQ(plans[0].height, 320);
  auto all = all_indices(plans);
  std::sort(all.begin(), all.end());
  for (std::int64_t i = 0; i < 103; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
}

TEST(Sampler, OrderFollowsSeedAndEpoch) {
  SamplerOptions options;
  options.num_images = 50;
  const auto order = all_indices(plan_epoch(options, 1));
  EXPECT_EQ(order, all_indices(plan_epoch(options, 1)));
  EXPECT_NE(order, all_indices(plan_epoch(options, 2)));
  options.seed = 1;
  EXPECT_NE(order, all_indices(plan_epoch(options, 1)));
  options.shuffle = false;
  options.num_images = 3;
  EXPECT_THAT(all_indices(plan_epoch(options, 1)), ElementsAre(0, 1, 2));
  options.num_images = 0;
  EXPECT_TRUE(plan_epoch(options, 1).empty());
}

TEST(Sampler, RectangularShapes) {
  // h/w: two wide, two square, two high
  const std::vector<double> ratios = {1, 2, 0.5, 0.75, 1, 1.5};
  const auto plans = plan_rectangular(ratios, 2, 640, 32, 0);
  ASSERT_EQ(plans.size(), 3);
  EXPECT_THAT(plans[0].indices, ElementsAre(2, 3));
  EXPECT_THAT(plans[1].indices, ElementsAre(0, 4));  // equal ones keep their order
  EXPECT_THAT(plans[2].indices, ElementsAre(5, 1));
  EXPECT_EQ(plans[0].height, 480);  // 0.75 * 640
  EXPECT_EQ(plans[0].width, 640);
  EXPECT_EQ(plans[1].height, 640);
  EXPECT_EQ(plans[2].height, 640);
  EXPECT_EQ(plans[2].width, 448);  // 640 / 1.5 = 426.7, up to a multiple of 32
  const auto padded = plan_rectangular(ratios, 2, 640, 32, 0.5);
  EXPECT_EQ(padded[0].height, 512);
  EXPECT_EQ(padded[0].width, 672);
}

TEST(Sampler, MixedRatiosGiveASquare) {
  const auto plans = plan_rectangular({0.5, 2}, 2, 320, 32, 0);
  EXPECT_EQ(plans[0].height, 320);
  EXPECT_EQ(plans[0].width, 320);
}

TEST(Sampler, ShuffledBatchesStayTogether) {
  const std::vector<double> ratios = {0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4};
  const auto plans = plan_rectangular(ratios, 2, 640, 32, 0);
  const auto shuffled = shuffle_batches(plans, 0, 3);
  ASSERT_EQ(shuffled.size(), plans.size());
  EXPECT_NE(all_indices(shuffled), all_indices(plans));
  for (std::size_t i = 0; i < shuffled.size(); ++i) {
    EXPECT_EQ(shuffled[i].number, static_cast<std::int64_t>(i));
    const auto same = std::find_if(plans.begin(), plans.end(), [&](const BatchPlan& plan) {
      return plan.indices == shuffled[i].indices;
    });
    ASSERT_NE(same, plans.end());
    EXPECT_EQ(same->height, shuffled[i].height);
  }
}

}  // namespace
}  // namespace gannet
