#include "gannet/eval/scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gannet {
namespace {

/// One image with a perfect and a false box of class 0 (0.9, 0.8) and a missed label of class 1.
std::vector<ImageRecord> one_image() {
  ImageRecord image;
  image.index = 4;
  image.labels = {{{0, 0, 10, 10}, 1, 0}, {{50, 50, 90, 90}, 1, 1}};
  image.detections = {{{0, 0, 10, 10}, 0.9F, 0}, {{20, 20, 30, 30}, 0.8F, 0}};
  HitFlags all;
  all.fill(true);
  image.hits = {all, HitFlags{}};
  return {image};
}

TEST(Score, ReadsPrecisionAtTheBestF1UnlessOriginal) {
  ScoreOptions options{.num_classes = 2};
  const EvalReport fixed = score(one_image(), options);
  EXPECT_EQ(fixed.num_images, 1);
  EXPECT_EQ(fixed.num_labels, 2);
  ASSERT_EQ(fixed.classes.size(), 2u);
  // At 0.9 only the right box counts, at 0.8 and below both do, and between them P is interpolated.
  const double confidence = fixed.classes[0].best_f1.confidence;
  EXPECT_GT(confidence, 0.8);
  EXPECT_LT(confidence, 0.9);
  EXPECT_NEAR(fixed.classes[0].precision, 1 - 0.5 * (0.9 - confidence) / 0.1, 1e-6);
  options.original = true;
  EXPECT_DOUBLE_EQ(score(one_image(), options).classes[0].precision, 0.5);
  EXPECT_FALSE(fixed.coco.has_value());
  EXPECT_FALSE(fixed.confusion.has_value());
}

TEST(Score, InFullHasEveryProtocolAndTheConfusions) {
  const EvalReport report = score(one_image(), {.full = true, .num_classes = 2});
  const auto map50 = [&](MetricProtocol protocol) {
    return report.by_protocol[static_cast<std::size_t>(protocol)].map50;
  };
  EXPECT_NEAR(map50(MetricProtocol::kJuly2020), 0.995 / 2, 1e-9);  // class 1 is never found
  EXPECT_NEAR(map50(MetricProtocol::kCoco), 0.5, 1e-9);
  EXPECT_EQ(report.mean.map50, map50(MetricProtocol::kJuly2020));
  ASSERT_TRUE(report.coco.has_value());
  EXPECT_FALSE(report.coco_truth_is_official);
  ASSERT_EQ(report.class_ap_by_size.size(), 2u);
  EXPECT_DOUBLE_EQ(report.class_ap_by_size[0][0], 1);   // 100 square pixels: small
  EXPECT_DOUBLE_EQ(report.class_ap_by_size[0][1], -1);  // there is none of medium size
  EXPECT_DOUBLE_EQ(report.class_ap_by_size[1][1], 0);
  EXPECT_EQ(report.confusion->at(0, 0), 1);
  EXPECT_EQ(report.confusion->at(0, 2), 1);  // made up
  EXPECT_EQ(report.confusion->at(2, 1), 1);  // missed
}

TEST(Score, TakesTheTruthOfAnAnnotationFile) {
  CocoGround ground;
  ground.image_ids = {-1, -1, -1, -1, 77};
  ground.category_ids = {9, -1};
  ground.truth = {{77, 9, {0, 0, 10, 10}, 100, false},
                  {78, 9, {0, 0, 10, 10}, 100, false}};  // of an image that is not evaluated
  ground.is_official = true;
  const EvalReport report =
      score(one_image(), {.protocol = MetricProtocol::kCoco, .num_classes = 2}, &ground);
  EXPECT_TRUE(report.coco_truth_is_official);
  EXPECT_DOUBLE_EQ((*report.coco)[CocoNumber::kAp50], 1);
  EXPECT_DOUBLE_EQ(report.mean.map50, 1);
  ASSERT_EQ(report.classes.size(), 1u);
  EXPECT_EQ(report.classes[0].class_id, 0);
}

TEST(Score, OfNothingIsZeros) {
  const EvalReport report = score({}, {.full = true, .num_classes = 3});
  EXPECT_EQ(report.num_images, 0);
  EXPECT_EQ(report.mean.map50, 0);
  EXPECT_TRUE(report.classes.empty());
  EXPECT_EQ((*report.coco)[CocoNumber::kAp], -1);
}

}  // namespace
}  // namespace gannet
