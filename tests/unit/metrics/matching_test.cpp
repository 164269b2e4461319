#include "gannet/metrics/matching.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace gannet {
namespace {

ScoredBox box(float x1, float y1, float x2, float y2, int class_id = 0) {
  return {{x1, y1, x2, y2}, 0.9f, class_id};
}

auto count(const HitFlags& flags) { return std::count(flags.begin(), flags.end(), true); }

TEST(Matching, PerfectBoxIsRightAtAllThresholds) {
  const auto hits = match_detections({box(0, 0, 10, 10)}, {box(0, 0, 10, 10)});
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(count(hits[0]), kNumIouThresholds);
}

TEST(Matching, ThresholdsAreStrict) {
  // IoU 0.5 exactly: not above 0.5. IoU 0.8: above 0.75, not above 0.8.
  EXPECT_EQ(count(match_detections({box(0, 0, 10, 5)}, {box(0, 0, 10, 10)})[0]), 0);
  EXPECT_EQ(count(match_detections({box(0, 0, 10, 8)}, {box(0, 0, 10, 10)})[0]), 6);
}

TEST(Matching, ClassesDoNotMix) {
  EXPECT_EQ(count(match_detections({box(0, 0, 10, 10, 1)}, {box(0, 0, 10, 10, 0)})[0]), 0);
}

TEST(Matching, ALabelIsTakenOnce) {
  const auto hits = match_detections({box(0, 0, 10, 9), box(0, 0, 10, 10)}, {box(0, 0, 10, 10)});
  EXPECT_GT(count(hits[0]), 0);
  EXPECT_EQ(count(hits[1]), 0);
}

TEST(Matching, TakenBestLabelIsNotReplacedByTheNextBest) {
  const std::vector<ScoredBox> labels = {box(0, 0, 10, 10), box(0, 0, 10, 13)};
  const auto hits = match_detections({box(0, 0, 10, 10), box(0, 0, 10, 10)}, labels);
  EXPECT_EQ(count(hits[1]), 0);  // although it overlaps the second label by 10 / 13
}

TEST(Matching, NothingGivesNothing) {
  EXPECT_TRUE(match_detections({}, {box(0, 0, 1, 1)}).empty());
  EXPECT_EQ(count(match_detections({box(0, 0, 1, 1)}, {})[0]), 0);
  EXPECT_EQ(count(match_detections({box(0, 0, 0, 0)}, {box(0, 0, 0, 0)})[0]), 0);
}

// A looser but surer detection owns the label as far as it reaches, the tighter one above (R11).
TEST(Matching, Release7MatchesEachThresholdByItself) {
  const std::vector<ScoredBox> detections{box(0, 0, 10, 7), box(0, 0, 10, 10)};
  const std::vector<ScoredBox> labels{box(0, 0, 10, 10)};
  const auto v7 = match_detections(detections, labels, MetricProtocol::kV7);
  EXPECT_EQ(count(v7[0]), 5);
  EXPECT_EQ(count(v7[1]), 5);
  EXPECT_FALSE(v7[1][4]);
  EXPECT_TRUE(v7[1][5]);
  const auto july = match_detections(detections, labels);
  EXPECT_EQ(count(july[1]), 0);
}

// The second one's best label is taken; only COCO lets it have another.
TEST(Matching, OnlyCocoTakesTheSecondBestLabel) {
  const std::vector<ScoredBox> detections{box(0, 0, 10, 10), box(0, 1, 10, 11)};
  const std::vector<ScoredBox> labels{box(0, 0, 10, 10), box(0, 4, 10, 14)};
  EXPECT_EQ(count(match_detections(detections, labels)[1]), 0);
  EXPECT_EQ(count(match_detections(detections, labels, MetricProtocol::kV7)[1]), 0);
  const auto coco = match_detections(detections, labels, MetricProtocol::kCoco);
  EXPECT_EQ(count(coco[0]), 10);
  EXPECT_EQ(count(coco[1]), 1);  // IoU 70 / 130 = 0.538
}

// The first overlaps both labels by 90 / 110, the second is the second label.
TEST(Matching, JulyTakesTheFirstOfEqualLabelsOthersTheLast) {
  const std::vector<ScoredBox> detections{box(1, 0, 11, 10), box(2, 0, 12, 10)};
  const std::vector<ScoredBox> labels{box(0, 0, 10, 10), box(2, 0, 12, 10)};
  const auto counts = [&](MetricProtocol protocol) {
    const auto hits = match_detections(detections, labels, protocol);
    return std::pair(count(hits[0]), count(hits[1]));
  };
  EXPECT_EQ(counts(MetricProtocol::kJuly2020), std::pair(7L, 10L));
  EXPECT_EQ(counts(MetricProtocol::kV7), std::pair(7L, 3L));
  EXPECT_EQ(counts(MetricProtocol::kCoco), std::pair(7L, 7L));  // the first label by 80 / 120
}

TEST(Matching, HalfIsEnoughForAllButJuly) {
  const auto hits = [](MetricProtocol protocol) {
    return count(match_detections({box(0, 0, 10, 5)}, {box(0, 0, 10, 10)}, protocol)[0]);
  };
  EXPECT_EQ(hits(MetricProtocol::kJuly2020), 0);
  EXPECT_EQ(hits(MetricProtocol::kV7), 1);
  EXPECT_EQ(hits(MetricProtocol::kCoco), 1);
}

}  // namespace
}  // namespace gannet
