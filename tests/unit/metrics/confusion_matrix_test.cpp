#include "gannet/metrics/confusion_matrix.h"

#include <gtest/gtest.h>

#include <numeric>

namespace gannet {
namespace {

ScoredBox box(float x1, float x2, int class_id, float score = 0.9f) {
  return {{x1, 0, x2, 100}, score, class_id};
}

std::int64_t total(const ConfusionMatrix& matrix) {
  return std::accumulate(matrix.counts().begin(), matrix.counts().end(), std::int64_t{0});
}

TEST(ConfusionMatrix, RightWrongMissedAndFalse) {
  ConfusionMatrix matrix(2);
  matrix.add({box(0, 100, 0), box(200, 300, 1), box(600, 700, 1)},
             {box(0, 100, 0), box(200, 300, 0), box(400, 500, 1)});
  EXPECT_EQ(matrix.at(0, 0), 1);
  EXPECT_EQ(matrix.at(1, 0), 1);
  EXPECT_EQ(matrix.at(matrix.background(), 1), 1);
  EXPECT_EQ(matrix.at(1, matrix.background()), 1);
  EXPECT_EQ(total(matrix), 4);
  EXPECT_EQ(matrix.counts(), (std::vector<std::int64_t>{1, 0, 0, 1, 0, 1, 0, 1, 0}));
}

TEST(ConfusionMatrix, NeedsMoreThanTheThresholds) {
  ConfusionMatrix matrix(1, {.min_confidence = 0.5f, .min_iou = 0.5f});
  matrix.add({box(0, 100, 0, 0.5f), box(0, 50, 0)}, {box(0, 100, 0)});
  EXPECT_EQ(matrix.at(0, 0), 0);                    // IoU is 0.5
  EXPECT_EQ(matrix.at(0, matrix.background()), 1);  // the unsure one is not there at all
  EXPECT_EQ(matrix.at(matrix.background(), 0), 1);
}

TEST(ConfusionMatrix, TheGreatestOverlapWinsOnBothSides) {
  ConfusionMatrix matrix(3);
  // Both detections overlap both labels by more than 0.45 and prefer the first, the second by more.
  matrix.add({box(0, 80, 1), box(0, 90, 2)}, {box(0, 100, 0), box(10, 110, 0)});
  EXPECT_EQ(matrix.at(2, 0), 1);
  EXPECT_EQ(matrix.at(1, matrix.background()), 1);
  EXPECT_EQ(matrix.at(matrix.background(), 0), 1);
}

TEST(ConfusionMatrix, FalseDetectionsOfBackgroundImagesCount) {  // R12
  ConfusionMatrix fixed(1), original(1, {.original = true});
  for (ConfusionMatrix* matrix : {&fixed, &original}) {
    matrix->add({box(0, 100, 0)}, {});
    matrix->add({box(0, 100, 0)}, {box(500, 600, 0)});
  }
  EXPECT_EQ(fixed.at(0, fixed.background()), 2);
  EXPECT_EQ(original.at(0, original.background()), 0);
  EXPECT_EQ(original.at(original.background(), 0), 1);
}

TEST(ConfusionMatrix, SharesOfRanksAddUp) {
  ConfusionMatrix whole(2), first(2), second(2);
  const std::vector<ScoredBox> detections{box(0, 100, 1)}, labels{box(0, 90, 1), box(300, 310, 0)};
  whole.add(detections, labels);
  whole.add(labels, detections);
  first.add(detections, labels);
  second.add(labels, detections);
  first.merge(second.counts());
  EXPECT_EQ(first.counts(), whole.counts());
}

TEST(ConfusionMatrix, NothingAddsNothing) {
  ConfusionMatrix matrix(4);
  matrix.add({}, {});
  EXPECT_EQ(matrix.counts().size(), 25u);
  EXPECT_EQ(total(matrix), 0);
}

}  // namespace
}  // namespace gannet
