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

// Two correct detections of ten labels: the release that closes the curve at recall 1 sees 0.6.
TEST(AveragePrecision, ThreeProtocolsOneCurve) {
  const std::vector<double> recall{0.1, 0.2}, precision{1, 1};
  EXPECT_NEAR(average_precision_of_curve(recall, precision), 0.205, 1e-12);
  EXPECT_NEAR(average_precision_of_curve(recall, precision, MetricProtocol::kV7), 0.6, 1e-12);
  EXPECT_NEAR(average_precision_of_curve(recall, precision, MetricProtocol::kCoco), 21. / 101,
              1e-12);
  // From precision 1 at recall 0 down to 1/2, then down to 0.
  EXPECT_NEAR(average_precision_of_curve({.5}, {.5}, MetricProtocol::kV7), 0.375 + 0.125, 1e-12);
  EXPECT_EQ(average_precision_of_curve({}, {}, MetricProtocol::kV7), 0);
  EXPECT_EQ(average_precision_of_curve({}, {}, MetricProtocol::kCoco), 0);
}

// One sure correct detection, one unsure false one; one of two labels is found.
TEST(AveragePrecision, BestF1IsWhereTheFalseDetectionIsGone) {
  const std::vector<DetectionRecord> detections{record(true, true, .9f, 0),
                                                record(false, false, .05f, 0)};
  for (const auto protocol :
       {MetricProtocol::kJuly2020, MetricProtocol::kV7, MetricProtocol::kCoco}) {
    const auto classes = average_precision(detections, {0, 0}, {.protocol = protocol});
    const OperatingPoint& best = classes[0].best_f1;
    EXPECT_GT(best.confidence, 0.5);
    EXPECT_LT(best.confidence, 0.9);
    EXPECT_EQ(best.recall, 0.5);
    EXPECT_NEAR(best.f1, 2 * best.precision * 0.5 / (best.precision + 0.5), 1e-12);
    EXPECT_TRUE(classes[0].curves.empty());
    const bool is_july = protocol == MetricProtocol::kJuly2020;
    EXPECT_EQ(classes[0].precision == best.precision, !is_july);
  }
  // At confidence 0.1: 0.05 of the way from (0.05, 1/2) to (0.9, 1) lies at 1/2 + 0.5 * 0.05/0.85.
  EXPECT_NEAR(average_precision(detections, {0, 0})[0].precision, 0.5 + 0.5 * 0.05 / 0.85, 1e-6);
}

TEST(AveragePrecision, MeansOverClasses) {
  const auto classes =
      average_precision({record(true, true, .9f, 0)}, {0, 3}, {.protocol = MetricProtocol::kV7});
  const MeanMetrics mean = mean_metrics(classes);
  EXPECT_NEAR(mean.map50, 0.995 / 2, 1e-12);
  EXPECT_EQ(mean.map75, 0);  // `record` sets two thresholds
  EXPECT_NEAR(mean.precision, 0.5, 1e-12);
  EXPECT_NEAR(mean.f1, 0.5, 1e-12);
  EXPECT_EQ(mean.best_f1.confidence, classes[1].best_f1.confidence);
}

TEST(Curves, BeyondTheScores) {
  const ClassCurves curves = curves_of_class({.75, .25}, {{.5, .5}, {1, .5}}, MetricProtocol::kV7);
  ASSERT_EQ(curves.f1.size(), kNumCurvePoints);
  EXPECT_EQ(curves.precision.back(), 1);  // surer than all
  EXPECT_EQ(curves.recall.back(), 0);
  EXPECT_EQ(curves.precision.front(), .5);
  EXPECT_EQ(curves.recall.front(), .5);
  EXPECT_EQ(curve_position(0), 0);
  EXPECT_EQ(curve_position(kNumCurvePoints - 1), 1);
  EXPECT_EQ(curves.precision_at_recall.front(), 1);
  EXPECT_EQ(curves.precision_at_recall.back(), 0);
}

TEST(Smooth, MeansOfAWindowWithRepeatedEnds) {
  const auto result = smooth({3, 0, 0, 6, 0, 0, 0, 0, 0, 9}, 0.1);  // windows of two
  EXPECT_EQ(result, (std::vector<double>{3, 1.5, 0, 3, 3, 0, 0, 0, 0, 4.5, 9}));
  EXPECT_TRUE(smooth({}, 0.1).empty());
}

TEST(Fitness, WeighsTheMeans) { EXPECT_NEAR(fitness({.1, .2, .3, .4}), 0.39, 1e-12); }

}  // namespace
}  // namespace gannet
