#include "gannet/train/schedule.h"

#include <gtest/gtest.h>

namespace gannet {
namespace {

ScheduleOptions ten_epochs() {
  ScheduleOptions options;
  options.epochs = 10;
  options.batches_per_epoch = 7;
  options.total_batch = 16;
  options.min_warmup_steps = 0;  // warm-up lasts 3 epochs: 21 steps
  return options;
}

// RB appendix B.1.
TEST(Schedule, FactorFallsAsACosine) {
  const Schedule schedule(ten_epochs());
  const double expected[] = {1.0,  0.9780, 0.9141, 0.8145, 0.6891,
                             0.55, 0.4109, 0.2855, 0.1859, 0.1220};
  for (int epoch = 0; epoch < 10; ++epoch)
    EXPECT_NEAR(schedule.factor(epoch), expected[epoch], 5e-5) << epoch;
}

TEST(Schedule, FactorFallsLinearly) {
  ScheduleOptions options = ten_epochs();
  options.linear = true;
  EXPECT_NEAR(Schedule(options).factor(5), 0.55, 1e-12);
  EXPECT_NEAR(Schedule(options).factor(10), 0.1, 1e-12);
}

TEST(Schedule, RateAfterWarmUpIsThatOfItsEpoch) {
  const Schedule schedule(ten_epochs());
  for (std::int64_t iteration = schedule.warmup_steps() + 1; iteration < 70; ++iteration) {
    const StepPlan plan = schedule.at(iteration);
    EXPECT_EQ(plan.epoch, iteration / 7);
    for (const double lr : plan.lr)
      EXPECT_DOUBLE_EQ(lr, 0.01 * schedule.factor(plan.epoch)) << iteration;
    EXPECT_EQ(plan.momentum, 0.937);
  }
}

TEST(Schedule, StartsAnewWhereARunWasExtended) {
  const Schedule plain(ten_epochs());
  ScheduleOptions options = ten_epochs();
  options.epochs = 15;
  options.start_epoch = 5;
  const Schedule extended(options);
  EXPECT_EQ(extended.first_iteration(), 5 * 7);
  EXPECT_EQ(extended.num_iterations(), 10 * 7);
  for (std::int64_t i = 0; i < 70; ++i) {
    const StepPlan found = extended.at(35 + i), expected = plain.at(i);
    EXPECT_EQ(found.lr, expected.lr);
    EXPECT_EQ(found.completes_update, expected.completes_update);
    EXPECT_EQ(found.epoch, expected.epoch + 5);
    EXPECT_EQ(found.iteration, 35 + i);
  }
}

// Q17, Q18: rates are one epoch late, and start again from epoch 0 after a resume.
TEST(Schedule, RatesOfTheOriginal) {
  ScheduleOptions options = ten_epochs();
  options.quirks = Quirks::kJuly2020;
  const Schedule fresh(options);
  EXPECT_DOUBLE_EQ(fresh.at(5 * 7).lr[0], 0.01 * fresh.factor(4));
  options.first_epoch = 5;
  const Schedule resumed(options);
  EXPECT_DOUBLE_EQ(resumed.at(5 * 7).lr[0], 0.01);
  EXPECT_DOUBLE_EQ(resumed.at(6 * 7).lr[0], 0.01 * resumed.factor(5));
}

TEST(Schedule, WarmUpLeadsFromItsStartToTheRateOfTheEpoch) {
  const Schedule schedule(ten_epochs());
  EXPECT_EQ(schedule.warmup_steps(), 21);
  const StepPlan first = schedule.at(0), middle = schedule.at(14), last = schedule.at(21);
  EXPECT_DOUBLE_EQ(first.lr[0], 0);
  EXPECT_DOUBLE_EQ(first.lr[2], 0.1);
  EXPECT_DOUBLE_EQ(first.momentum, 0.9);
  EXPECT_NEAR(middle.lr[1], 0.01 * schedule.factor(2) * 2 / 3, 1e-12);
  EXPECT_NEAR(last.lr[2], 0.01 * schedule.factor(3), 1e-12);
  EXPECT_NEAR(last.momentum, 0.937, 1e-12);
}

TEST(Schedule, AdamKeepsItsMomentumAndShortRunsWarmUpLonger) {
  ScheduleOptions options = ten_epochs();
  options.warm_momentum = false;
  options.min_warmup_steps = 1000;
  const Schedule schedule(options);
  EXPECT_EQ(schedule.warmup_steps(), 1000);
  EXPECT_EQ(schedule.at(0).momentum, 0.937);
}

// RB appendix B.1.
TEST(Schedule, AccumulationGrowsDuringWarmUp) {
  ScheduleOptions options = ten_epochs();
  options.min_warmup_steps = 1000;
  const Schedule schedule(options);
  const std::int64_t iterations[] = {0, 100, 166, 167, 499, 500, 501, 833, 834, 1000};
  const int expected[] = {1, 1, 1, 2, 2, 2, 3, 3, 4, 4};
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_EQ(schedule.at(iterations[i]).accumulate, expected[i]) << iterations[i];
  for (const auto& [batch, accumulate] : {std::pair{24, 3}, {42, 2}, {128, 1}}) {
    options.total_batch = batch;
    EXPECT_EQ(Schedule(options).at(2000).accumulate, accumulate) << batch;
  }
}

// Four batches a step and seven an epoch: steps after batches 4 and 7, never across epochs.
TEST(Schedule, LastBatchOfEachEpochCompletesAnUpdate) {
  const Schedule schedule(ten_epochs());
  for (std::int64_t iteration = 28; iteration < 70; ++iteration) {
    const std::int64_t batch = iteration % 7;
    EXPECT_EQ(schedule.at(iteration).completes_update, batch == 3 || batch == 6) << iteration;
  }
  for (int epoch = 0; epoch < 4; ++epoch)
    EXPECT_TRUE(schedule.at(epoch * 7 + 6).completes_update) << epoch;
}

TEST(Schedule, IsAFunctionOfTheIterationAlone) {
  const Schedule schedule(ten_epochs());
  const StepPlan late = schedule.at(40), early = schedule.at(3), again = schedule.at(40);
  EXPECT_EQ(late.lr, again.lr);
  EXPECT_EQ(late.completes_update, again.completes_update);
  EXPECT_EQ(early.epoch, 0);
}

}  // namespace
}  // namespace gannet
