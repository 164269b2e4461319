#include "gannet/data/loading/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

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

TEST(Sampler, RectangularShapesFitEveryStride) {
  const std::vector<double> ratios = {0.3, 0.5, 0.9, 1.1, 2.5};
  for (const int stride : {8, 16, 32, 64, 128}) {
    for (const double pad : {0.0, 0.5}) {
      for (const BatchPlan& plan : plan_rectangular(ratios, 2, 640, stride, pad)) {
        EXPECT_EQ(plan.height % stride, 0);
        EXPECT_EQ(plan.width % stride, 0);
        EXPECT_GE(std::max(plan.height, plan.width), 640);
        EXPECT_LE(std::max(plan.height, plan.width), 640 + 2 * stride);
      }
    }
  }
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

TEST(Sampler, WeightsDecideHowOften) {
  SamplerOptions options;
  options.num_images = 4;
  options.batch_size = 3;
  std::array<int, 4> num_drawn{};
  for (std::uint64_t epoch = 0; epoch < 1000; ++epoch) {
    const auto plans = plan_weighted(options, {1, 0, 2, 1}, epoch);
    ASSERT_EQ(plans.size(), 2);
    EXPECT_EQ(plans[1].indices.size(), 1);
    EXPECT_EQ(plans[1].global_images, 1);
    for (const std::int64_t i : all_indices(plans)) ++num_drawn.at(static_cast<std::size_t>(i));
  }
  // of 4000 draws a quarter, none, half, a quarter; 100 are more than three standard deviations
  EXPECT_NEAR(num_drawn[0], 1000, 100);
  EXPECT_EQ(num_drawn[1], 0);
  EXPECT_NEAR(num_drawn[2], 2000, 100);
  EXPECT_NEAR(num_drawn[3], 1000, 100);
}

TEST(Sampler, WeightedDrawsFollowSeedAndEpochAndCountCopies) {
  SamplerOptions options;
  options.num_images = 40;
  options.batch_size = 7;
  const std::vector<double> weights(40, 0.0);  // all zero: as if equal
  const auto plans = plan_weighted(options, weights, 3);
  EXPECT_EQ(all_indices(plans), all_indices(plan_weighted(options, weights, 3)));
  EXPECT_NE(all_indices(plans), all_indices(plan_weighted(options, weights, 4)));
  options.seed = 1;
  EXPECT_NE(all_indices(plans), all_indices(plan_weighted(options, weights, 3)));
  std::map<std::int64_t, std::uint64_t> num_seen;
  for (const BatchPlan& plan : plans) {
    ASSERT_EQ(plan.copies.size(), plan.indices.size());
    for (std::size_t i = 0; i < plan.indices.size(); ++i) {
      EXPECT_EQ(plan.copies[i], num_seen[plan.indices[i]]++);
    }
  }
  EXPECT_LT(num_seen.size(), 40);  // some come twice
}

TEST(Sampler, OnlyImageWithWeightIsDrawn) {
  SamplerOptions options;
  options.num_images = 3;
  EXPECT_THAT(all_indices(plan_weighted(options, {0, 0, 1e-300}, 0)), ElementsAre(2, 2, 2));
  options.num_images = 0;
  EXPECT_TRUE(plan_weighted(options, {}, 0).empty());
}

TEST(Sampler, RanksTakeRunsOfABatch) {
  BatchPlan plan;
  plan.number = 5;
  plan.indices = {10, 11, 12, 13, 14};
  plan.copies = {0, 1, 2, 3, 4};
  plan.height = plan.width = 64;
  plan.global_images = 5;
  const BatchPlan first = deal(plan, 0, 3), second = deal(plan, 1, 3), third = deal(plan, 2, 3);
  EXPECT_THAT(first.indices, ElementsAre(10, 11));
  EXPECT_THAT(second.indices, ElementsAre(12, 13));
  EXPECT_THAT(third.indices, ElementsAre(14));
  EXPECT_THAT(second.copies, ElementsAre(2, 3));
  EXPECT_EQ(second.first_image, 2);
  EXPECT_EQ(third.first_image, 4);
  EXPECT_EQ(third.number, 5);
  EXPECT_EQ(third.height, 64);
  EXPECT_EQ(third.global_images, 5);
}

TEST(Sampler, RanksPartitionTheEpoch) {
  SamplerOptions options;
  options.num_images = 53;
  options.batch_size = 10;  // the last batch has 3 images
  const auto plans = plan_epoch(options, 0);
  for (const int world_size : {1, 2, 3, 4, 7}) {
    std::vector<std::vector<BatchPlan>> shares;
    for (int rank = 0; rank < world_size; ++rank) {
      shares.push_back(deal(plans, rank, world_size));
      ASSERT_EQ(shares.back().size(), plans.size());  // ranks without images take part
    }
    for (std::size_t batch = 0; batch < plans.size(); ++batch) {
      std::vector<std::int64_t> joined;
      for (const auto& share : shares) {
        const BatchPlan& part = share[batch];
        EXPECT_EQ(part.first_image, static_cast<std::int64_t>(joined.size()));
        EXPECT_LE(part.indices.size(), shares[0][batch].indices.size());
        EXPECT_GE(part.indices.size() + 1, shares[0][batch].indices.size());
        joined.insert(joined.end(), part.indices.begin(), part.indices.end());
      }
      EXPECT_EQ(joined, plans[batch].indices);
    }
  }
}

TEST(MergeSmallBatch, TheLastOneJoinsTheOneBeforeIt) {
  SamplerOptions options;
  options.num_images = 9;
  options.batch_size = 4;
  const auto plans = merge_small_batch(plan_epoch(options, 0), 2);
  ASSERT_EQ(plans.size(), 2);
  EXPECT_EQ(plans[1].indices.size(), 5);
  EXPECT_EQ(plans[1].global_images, 5);
  EXPECT_EQ(merge_small_batch(plan_epoch(options, 0), 1).size(), 3);
  options.num_images = 1;
  EXPECT_EQ(merge_small_batch(plan_epoch(options, 0), 2).size(), 1);
}

}  // namespace
}  // namespace gannet
