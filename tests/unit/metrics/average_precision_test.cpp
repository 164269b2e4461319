#include "gannet/metrics/average_precision.h"

#include <gtest/gtest.h>

#include "gannet/core/rng.h"

namespace gannet {
namespace {

DetectionRecord record(bool first, bool second, float score, int class_id) {
  DetectionRecord result;
  result.hits[0] = first;
  result.hits[1] = second;
  result.score = score;
  result.class_id = class_id;
  return result;
}

TEST(AveragePrecision, CurvesOfTheReference) {
  EXPECT_NEAR(average_precision_of_curve({.2, .2, .4, .6, .6}, {1, .5, 2. / 3, .75, .6}), 0.501,
              1e-12);
  EXPECT_NEAR(average_precision_of_curve({1}, {1}), 0.995, 1e-12);
  EXPECT_NEAR(average_precision_of_curve({.5}, {1}), 0.505, 1e-12);
  EXPECT_EQ(average_precision_of_curve({}, {}), 0);
}

TEST(AveragePrecision, ThreeClassesOfTheReference) {
  const auto classes = average_precision(
      {record(true, true, .9f, 0), record(false, false, .8f, 0), record(true, false, .7f, 0),
       record(true, true, .05f, 1), record(false, false, .6f, 1)},
      {0, 0, 0, 1, 2});
  ASSERT_EQ(classes.size(), 3u);
  EXPECT_NEAR(classes[0].precision, 2. / 3, 1e-6);
  EXPECT_NEAR(classes[1].precision, 0.454545, 1e-6);
  EXPECT_NEAR(classes[1].recall, 0.909091, 1e-6);
  EXPECT_NEAR(classes[0].ap[0], 0.555, 1e-9);
  EXPECT_NEAR(classes[0].ap[1], 0.335, 1e-9);
  EXPECT_NEAR(classes[1].ap[0], 0.4975, 1e-9);
  EXPECT_EQ(classes[2].ap50(), 0);
  EXPECT_EQ(classes[0].num_labels, 3);
}

TEST(AveragePrecision, CountsLabelsWhenNothingIsRight) {  // Q31
  const auto classes = average_precision({record(false, false, .9f, 0)}, {0, 0, 4});
  ASSERT_EQ(classes.size(), 2u);
  EXPECT_EQ(classes[0].num_labels, 2);
  EXPECT_EQ(classes[1].num_labels, 1);
  EXPECT_EQ(mean_metrics(classes).map50, 0);
}

TEST(AveragePrecision, NothingGivesNothing) {
  EXPECT_TRUE(average_precision({record(true, true, .5f, 0)}, {}).empty());
  EXPECT_EQ(mean_metrics({}).map, 0);
}

TEST(AveragePrecision, EqualScoresKeepTheirOrder) {
  const auto right_first =
      average_precision({record(true, true, .5f, 0), record(false, false, .5f, 0)}, {0});
  const auto wrong_first =
      average_precision({record(false, false, .5f, 0), record(true, true, .5f, 0)}, {0});
  EXPECT_NEAR(right_first[0].ap50(), 0.995, 1e-9);
  EXPECT_LT(wrong_first[0].ap50(), 0.6);
}

TEST(AveragePrecision, AHigherScoreOnARightDetectionNeverLowersIt) {
  Rng rng({.seed = 7});
  for (int round = 0; round < 200; ++round) {
    std::vector<DetectionRecord> detections;
    for (int i = 0; i < 20; ++i) {
      detections.push_back(
          record(rng.uniform() < 0.5, false, static_cast<float>(rng.uniform(0, 0.9)), 0));
    }
    detections[0] = record(true, false, detections[0].score, 0);
    const std::vector<int> labels(25, 0);
    const double before = average_precision(detections, labels)[0].ap50();
    detections[0].score += 0.05f;
    EXPECT_GE(average_precision(detections, labels)[0].ap50(), before - 1e-12);
  }
}

TEST(Fitness, WeighsTheMeans) { EXPECT_NEAR(fitness({.1, .2, .3, .4}), 0.39, 1e-12); }

}  // namespace
}  // namespace gannet
