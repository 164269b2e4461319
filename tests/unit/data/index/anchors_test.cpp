#include "gannet/data/index/anchors.h"

#include <gtest/gtest.h>

#include "gannet/core/error.h"
#include "gannet/data/index/kmeans.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

TEST(Anchors, RecallCountsBoxesWithinTheFactor) {
  const std::vector<AnchorSize> anchors = {{10, 10}};
  EXPECT_EQ(anchor_recall({{10, 10}, {39, 10}, {41, 10}, {2, 10}}, anchors, 4), 0.5);
  EXPECT_EQ(anchor_recall({}, anchors, 4), 0);
  EXPECT_EQ(anchor_fitness({{20, 10}, {41, 10}}, anchors, 4), 0.25);  // (0.5 + 0) / 2
}

TEST(Anchors, SizesScaleTheLongerSide) {
  ImageIndex index;
  index.images.push_back({"a", 200, 100, {{0, .5F, .5F, .5F, .5F}}});
  const auto sizes = label_sizes(index, 400);
  EXPECT_DOUBLE_EQ(sizes[0][0], 200);
  EXPECT_DOUBLE_EQ(sizes[0][1], 100);
  EXPECT_DOUBLE_EQ(label_sizes(index, 400, {0.5})[0][0], 100);
}

TEST(Anchors, SmallOnesGoToSmallStrides) {
  HeadSpec head;
  head.anchors_px = {{{0, 0}}, {{0, 0}}};
  head.strides = {32, 8};
  EXPECT_EQ(with_anchors(head, {{5, 5}, {90, 80}}).anchors_px[0][0], (AnchorSize{90, 80}));
  head.strides = {8, 32};
  EXPECT_EQ(with_anchors(head, {{90, 80}, {5, 5}}).anchors_px[0][0], (AnchorSize{5, 5}));
}

TEST(Anchors, KMeansFindsSeparateGroupsAndLosesNone) {
  std::vector<std::array<double, 2>> points;
  for (int i = 0; i < 10; ++i) {
    points.push_back({10.0 + 0.01 * i, 10});
    points.push_back({100, 50.0 + 0.01 * i});
  }
  const auto centers = kmeans(points, 2, 0);
  const bool first_small = centers[0][0] < centers[1][0];
  EXPECT_NEAR(centers[first_small ? 0 : 1][0], 10.045, 1e-9);
  EXPECT_NEAR(centers[first_small ? 1 : 0][1], 50.045, 1e-9);
  EXPECT_EQ(kmeans({{5, 5}, {5, 5}}, 9, 0).size(), 9);  // fewer points than centres
}

TEST(Anchors, CheckReplacesWhatDoesNotFit) {
  ImageIndex index;
  for (int i = 0; i < 20; ++i) {
    const float side = 0.02F + 0.001F * static_cast<float>(i);
    index.images.push_back({"a", 320, 320, {{0, .5F, .5F, side, side / 2}}});
  }
  HeadSpec head;
  head.strides = {8, 16};
  head.anchors_px = {{{100, 90}}, {{200, 150}}};
  const AnchorCheck check = check_anchors(index, head, {.image_size = 320});
  EXPECT_TRUE(check.replaced);
  EXPECT_EQ(check.recall_before, 0);
  EXPECT_EQ(check.recall_after, 1);
  const AnchorCheck again = check_anchors(index, check.head, {.image_size = 320});
  EXPECT_FALSE(again.replaced);
  EXPECT_EQ(again.head.anchors_px, check.head.anchors_px);
}

TEST(Anchors, SearchIsRepeatableAndNeedsBoxes) {
  const std::vector<BoxSize> sizes = {{10, 12}, {40, 20}, {80, 90}, {15, 40}};
  AnchorSearchOptions options;
  options.num_anchors = 3;
  options.generations = 50;
  EXPECT_EQ(search_anchors(sizes, options), search_anchors(sizes, options));
  EXPECT_ERROR(kData, "no box has a side", search_anchors({}, options));
  EXPECT_ERROR(kData, "no box has a side", search_anchors({{1, 1}}, options));
}

}  // namespace
}  // namespace gannet
