#include "gannet/metrics/coco_eval.h"

#include <gtest/gtest.h>

#include "gannet/core/rng.h"
#include "tests/unit/metrics/naive_coco.h"

namespace gannet {
namespace {

CocoTruth truth(std::int64_t image, std::array<double, 4> box, bool is_crowd = false,
                std::int64_t category = 1) {
  return {image, category, box, box[2] * box[3], is_crowd};
}

CocoDetection found(std::int64_t image, std::array<double, 4> box, double score,
                    std::int64_t category = 1) {
  return {image, category, box, score};
}

constexpr std::array<double, 4> kBox = {0, 0, 100, 100};  // large
constexpr std::array<double, 4> kOther = {200, 0, 100, 100};

TEST(CocoEval, AllFoundExactlyIsOne) {
  const CocoReport report = evaluate_coco({truth(1, kBox), truth(2, kOther)},
                                          {found(1, kBox, .9), found(2, kOther, .8)}, {1});
  EXPECT_NEAR(report[CocoNumber::kAp], 1, 1e-12);  // the official precision has an epsilon below
  EXPECT_NEAR(report[CocoNumber::kApLarge], 1, 1e-12);
  EXPECT_EQ(report[CocoNumber::kApSmall], -1);
  EXPECT_EQ(report[CocoNumber::kApMedium], -1);
  EXPECT_EQ(report[CocoNumber::kAr1], 1);
  EXPECT_EQ(report.classes[0].num_objects, 2);
}

TEST(CocoEval, OneOfTwoFoundCountsTheRecallsUpToAHalf) {
  const CocoReport report =
      evaluate_coco({truth(1, kBox), truth(1, kOther)}, {found(1, kBox, .9)}, {1});
  EXPECT_NEAR(report[CocoNumber::kAp50], 51. / 101, 1e-12);  // recalls 0, 0.01 ... 0.50
  EXPECT_EQ(report[CocoNumber::kAr100], 0.5);
}

TEST(CocoEval, AFalseDetectionBeforeTheRightOneHalvesPrecision) {
  const CocoReport report =
      evaluate_coco({truth(1, kBox)}, {found(1, kOther, .9), found(1, kBox, .8)}, {1});
  EXPECT_NEAR(report[CocoNumber::kAp], 0.5, 1e-12);
  EXPECT_EQ(report[CocoNumber::kAr1], 0);
  EXPECT_EQ(report[CocoNumber::kAr10], 1);
}

TEST(CocoEval, TheThresholdItselfIsEnough) {
  const CocoReport report = evaluate_coco({truth(1, kBox)}, {found(1, {0, 0, 100, 75}, .9)}, {1});
  const auto& ap = report.classes[0].of(CocoArea::kAll).ap;
  EXPECT_NEAR(ap[5], 1, 1e-12);  // IoU 0.75
  EXPECT_EQ(ap[6], 0);
  EXPECT_NEAR(report[CocoNumber::kAp], 0.6, 1e-12);
}

TEST(CocoEval, ThresholdsAreRoundedAsTheOfficialOnes) {
  constexpr double kBelow = 0.8999999999999999;  // less than 0.9, by the least step
  const CocoReport report =
      evaluate_coco({truth(1, {0, 0, 1, 1})}, {found(1, {0, 0, 1, kBelow}, .9)}, {1});
  EXPECT_NEAR(report.classes[0].of(CocoArea::kAll).ap[8], 1, 1e-12);
}

TEST(CocoEval, AnObjectIsFoundOnce) {
  const CocoReport report =
      evaluate_coco({truth(1, kBox), truth(1, kOther)},
                    {found(1, kBox, .9), found(1, kBox, .8), found(1, kOther, .7)}, {1});
  // Precision 1 up to recall 0.5, then 2 of 3.
  EXPECT_NEAR(report[CocoNumber::kAp50], (51 + 50 * 2. / 3) / 101, 1e-12);
}

TEST(CocoEval, ACrowdRegionTakesManyAndNeedNotBeFound) {
  const std::vector<CocoTruth> objects{truth(1, {0, 0, 300, 300}, true), truth(1, {500, 0, 9, 9})};
  const CocoReport report = evaluate_coco(
      objects, {found(1, kBox, .9), found(1, kOther, .8), found(1, {500, 0, 9, 9}, .7)}, {1});
  EXPECT_NEAR(report[CocoNumber::kAp], 1, 1e-12);
  EXPECT_EQ(report.classes[0].num_objects, 1);
  EXPECT_EQ(evaluate_coco({objects[0]}, {found(1, kBox, .9)}, {1})[CocoNumber::kAp], -1);
}

TEST(CocoEval, ARealObjectGoesBeforeACrowdRegionOfGreaterOverlap) {
  const CocoReport report = evaluate_coco(
      {truth(1, {0, 0, 100, 100}, true), truth(1, {0, 0, 100, 120})}, {found(1, kBox, .9)}, {1});
  EXPECT_NEAR(report[CocoNumber::kAp50], 1, 1e-12);
}

TEST(CocoEval, DetectionsOfAnotherSizeAreLeftOutOnlyWithoutMatch) {
  const std::array<double, 4> small{0, 0, 32, 32}, medium{0, 0, 40, 40}, large{300, 0, 100, 100};
  const CocoReport report =
      evaluate_coco({truth(1, small)}, {found(1, large, .9), found(1, medium, .8)}, {1});
  // 32 * 32 / (40 * 40) = 0.64: right at 0.5, 0.55, 0.6 though medium; false and ignored above.
  EXPECT_NEAR(report[CocoNumber::kApSmall], 0.3, 1e-12);
  EXPECT_NEAR(report[CocoNumber::kAp50], 0.5, 1e-12);      // of any size, the large one is false
  EXPECT_NEAR(report[CocoNumber::kApMedium], 0.3, 1e-12);  // 1024 is the end of both ranges
}

TEST(CocoEval, OnlyTheSurestHundredOfAnImageCount) {
  std::vector<CocoDetection> detections(100, found(1, kOther, .9));
  detections.push_back(found(1, kBox, .1));
  EXPECT_EQ(evaluate_coco({truth(1, kBox)}, detections, {1})[CocoNumber::kAr100], 0);
  detections.erase(detections.begin());
  EXPECT_EQ(evaluate_coco({truth(1, kBox)}, detections, {1})[CocoNumber::kAr100], 1);
}

TEST(CocoEval, EqualScoresCountByImageThenAsGiven) {
  const std::vector<CocoTruth> objects{truth(7, kBox)};
  const CocoReport last = evaluate_coco(objects, {found(7, kBox, .5), found(3, kBox, .5)}, {1});
  EXPECT_NEAR(last[CocoNumber::kAp], 0.5, 1e-12);
  const CocoReport first = evaluate_coco(objects, {found(7, kBox, .5), found(9, kBox, .5)}, {1});
  EXPECT_NEAR(first[CocoNumber::kAp], 1, 1e-12);
}

TEST(CocoEval, ClassesDoNotMeetAndOthersAreLeftOut) {
  const CocoReport report =
      evaluate_coco({truth(1, kBox, false, 5), truth(1, kBox, false, 6)},
                    {found(1, kBox, .9, 6), found(1, kOther, .9, 7)}, {5, 6, 8});
  ASSERT_EQ(report.classes.size(), 3u);
  EXPECT_EQ(report.classes[0].mean_ap(), 0);
  EXPECT_NEAR(report.classes[1].mean_ap(), 1, 1e-12);
  EXPECT_EQ(report.classes[2].mean_ap(), -1);
  EXPECT_NEAR(report[CocoNumber::kAp], 0.5, 1e-12);
}

TEST(CocoEval, NothingAtAll) {
  for (const double number : evaluate_coco({}, {}, {}).numbers) EXPECT_EQ(number, -1);
  for (const double number : evaluate_coco({}, {found(1, kBox, 1)}, {1}).numbers)
    EXPECT_EQ(number, -1);
  EXPECT_EQ(evaluate_coco({truth(1, kBox)}, {}, {1})[CocoNumber::kAp], 0);
}

TEST(CocoEval, ClassMetricsNumberClassesByPlace) {
  const CocoReport report =
      evaluate_coco({truth(1, kBox, false, 9), truth(1, kOther, false, 9)},
                    {found(1, kBox, .9, 9), found(1, {500, 0, 9, 9}, .3, 9)}, {4, 9});
  const auto classes = class_metrics(report);
  ASSERT_EQ(classes.size(), 1u);
  EXPECT_EQ(classes[0].class_id, 1);
  EXPECT_EQ(classes[0].num_labels, 2);
  EXPECT_NEAR(classes[0].ap50(), 51. / 101, 1e-12);
  // Above 0.3 the false one is gone: P 1, R 1/2.
  EXPECT_NEAR(classes[0].precision, 1, 0.1);
  EXPECT_NEAR(classes[0].recall, 0.5, 1e-12);
  EXPECT_TRUE(classes[0].curves.empty());
  EXPECT_EQ(class_metrics(report, true)[0].curves.f1.size(), kNumCurvePoints);
}

TEST(CocoEval, PrecisionKnowsNothingOfDetectionsInCrowds) {
  const CocoReport report =
      evaluate_coco({truth(1, {0, 0, 300, 300}, true), truth(1, {500, 0, 9, 9})},
                    {found(1, kBox, .9), found(1, {500, 0, 9, 9}, .8)}, {1});
  const ClassMetrics metrics = class_metrics(report).at(0);
  EXPECT_EQ(metrics.precision, 1);
  EXPECT_EQ(metrics.recall, 1);
}

struct RandomSet {
  std::vector<CocoTruth> truth;
  std::vector<CocoDetection> detections;
};

/// Boxes on a coarse grid and few scores, so that equal IoUs and equal scores are common.
RandomSet random_set(std::uint64_t seed, int num_images, int num_categories) {
  Rng rng({.seed = seed});
  RandomSet set;
  const auto box = [&] {
    const auto side = [&] {
      return 8.0 * static_cast<double>(1 + rng.below(rng.below(2) ? 6 : 16));
    };
    return std::array<double, 4>{8.0 * static_cast<double>(rng.below(6)),
                                 8.0 * static_cast<double>(rng.below(6)), side(), side()};
  };
  for (int i = 0; i < num_images; ++i) {
    for (auto n = rng.below(6); n > 0; --n) {
      CocoTruth object{i, rng.below(num_categories), box(), 0, rng.below(8) == 0};
      object.area_px = object.box_px[2] * object.box_px[3] * rng.uniform(0.5, 1);
      set.truth.push_back(object);
    }
    for (auto n = rng.below(rng.below(4) == 0 ? 200 : 8); n > 0; --n)
      set.detections.push_back({num_images - i - 1, rng.below(num_categories), box(),
                                static_cast<double>(rng.below(20)) / 20});
  }
  return set;
}

TEST(CocoEval, AgreesWithThePlainDefinitionOnRandomSets) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    const RandomSet set = random_set(seed, 12, 3);
    const CocoReport report = evaluate_coco(set.truth, set.detections, {0, 1, 2, 3});
    for (const CocoClass& c : report.classes) {
      for (std::size_t a = 0; a < kNumCocoAreas; ++a) {
        for (std::size_t l = 0; l < kCocoLimits.size(); ++l) {
          const auto naive =
              naive_coco::evaluate(set.truth, set.detections, c.category_id, a, kCocoLimits[l]);
          for (std::size_t t = 0; t < kNumIouThresholds; ++t) {
            EXPECT_NEAR(c.figures[a][l].ap[t], naive.ap[t], 1e-12);
            EXPECT_NEAR(c.figures[a][l].recall[t], naive.recall[t], 1e-12);
          }
        }
      }
    }
  }
}

TEST(CocoEval, TheSameForAnyNumberOfThreads) {
  const RandomSet set = random_set(1, 50, 7);
  const std::vector<std::int64_t> categories{0, 1, 2, 3, 4, 5, 6};
  const CocoReport one = evaluate_coco(set.truth, set.detections, categories, 1);
  for (const int threads : {2, 5, 16})
    EXPECT_EQ(evaluate_coco(set.truth, set.detections, categories, threads).numbers, one.numbers);
}

}  // namespace
}  // namespace gannet
