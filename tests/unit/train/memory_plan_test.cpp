#include "gannet/train/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gannet {
namespace {

using ::testing::HasSubstr;

constexpr double kGib = 1 << 30;

TEST(MemoryPlan, AStepIsALineThroughTheLastTwoOfWhatWasSeen) {
  MemoryNeed need;
  fit_steps({{0.5, 900}, {2, 140}, {4, 180}}, need);
  EXPECT_EQ(need.per_image, 20);
  EXPECT_EQ(need.step, 100);
  EXPECT_EQ(need.step_of(10), 300);
}

TEST(MemoryPlan, WhatWasSeenOnceIsInProportion) {
  MemoryNeed need;
  fit_steps({{0.5, 40}}, need);
  EXPECT_EQ(need.per_image, 80);
  EXPECT_EQ(need.step, 0);
}

TEST(MemoryPlan, ALineNeverFalls) {
  MemoryNeed need;
  fit_steps({{2, 50}, {4, 40}}, need);
  EXPECT_EQ(need.per_image, 0);
  EXPECT_EQ(need.step, 40);
}

TEST(MemoryPlan, TheNeedIsTheSumOfItsParts) {
  MemoryNeed need;
  need.program = 1;
  need.weights = 10;
  need.pictures = 100;
  need.step = 1000;
  need.per_image = 10000;
  need.per_image_waiting = 20000;
  EXPECT_EQ(need.at(2), 1111 + 2 * 30000);
}

TEST(ChooseBatch, MemoryDecides) {
  const BatchChoice choice = choose_batch({{1 * kGib, 0.25 * kGib, 3.6 * kGib}}, 1000);
  EXPECT_EQ(choice.batch, 10);  // 1 + 10 / 4 = 3.5
  EXPECT_EQ(choice.reason, "3.50 of 3.60 GiB; an image more takes 0.250 more");
}

TEST(ChooseBatch, TheTrainingSetDecides) {
  const BatchChoice choice = choose_batch({{1 * kGib, 0.25 * kGib, 30 * kGib}}, 12);
  EXPECT_EQ(choice.batch, 12);
  EXPECT_THAT(choice.reason, HasSubstr("the training set has 12 images"));
}

TEST(ChooseBatch, HabitDecides) {
  const BatchChoice choice = choose_batch({{1 * kGib, 0.25 * kGib, 300 * kGib}}, 100000);
  EXPECT_EQ(choice.batch, 64);
  EXPECT_THAT(choice.reason, HasSubstr("more than 64 are not tried"));
}

TEST(ChooseBatch, TheRankWithTheLeastMemoryDecidesForAll) {
  const RankMemory much{1 * kGib, 0.25 * kGib, 30 * kGib}, little{1 * kGib, 0.25 * kGib, 2 * kGib};
  for (const auto& ranks : {std::vector{much, little, much}, std::vector{little, much, much}}) {
    const BatchChoice choice = choose_batch(ranks, 1000);
    EXPECT_EQ(choice.batch, 12);
    EXPECT_THAT(choice.reason, HasSubstr("4 images in each of 3 processes, 2.00 of 2.00 GiB"));
  }
  EXPECT_EQ(choose_batch({much, much, much}, 1000).batch, 63);  // a multiple of 3
  EXPECT_EQ(choose_batch({much, much, much}, 2).batch, 3);      // one each at least
}

TEST(ChooseBatch, NothingFits) {
  EXPECT_EQ(choose_batch({{2 * kGib, 0.25 * kGib, 1 * kGib}}, 1000).batch, 0);
  EXPECT_EQ(choose_batch({{1 * kGib, 0.25 * kGib, 1.2 * kGib}}, 1000).batch, 0);
}

}  // namespace
}  // namespace gannet
