#include "gannet/data/labels/annotations_pixels.h"

#include <gtest/gtest.h>

#include "gannet/core/rng.h"

namespace gannet {
namespace {

constexpr int kWidth_px = 640;

TEST(PixelSpans, AreDividedByTheSide) {
  EXPECT_EQ(to_span(PixelRun{64, 32}, kWidth_px), (AxisSpan{0.125F, 0.05F}));
  EXPECT_EQ(to_span(PixelEnds{64, 96}, kWidth_px), (AxisSpan{0.125F, 0.05F}));
}

TEST(PixelSpans, TheWayBackFindsTheNumbersOfAFile) {
  for (const double start : {0.0, 1.0, 260.0, 17.25, 423.01}) {
    const PixelRun run = to_run(to_span(PixelRun{start, 33.37}, kWidth_px), kWidth_px);
    EXPECT_EQ(run.start, start);
    EXPECT_EQ(run.length, 33.37);
    const PixelEnds ends = to_ends(to_span(PixelEnds{start, 500}, kWidth_px), kWidth_px);
    EXPECT_EQ(ends.first, start);
    EXPECT_EQ(ends.last, 500);
  }
  EXPECT_EQ(to_pixel(static_cast<float>(321.02 / kWidth_px), kWidth_px), 321.02);
}

TEST(PixelSpans, EveryLabelComesBackBitForBit) {
  Rng rng({3, 0, 0, Purpose::kTest});
  for (int i = 0; i < 20'000; ++i) {
    const auto side = static_cast<int>(10 + rng.below(6000));
    const AxisSpan span{static_cast<float>(rng.uniform()), static_cast<float>(rng.uniform())};
    EXPECT_EQ(to_span(to_run(span, side), side), span) << side;
    EXPECT_EQ(to_span(to_ends(span, side), side), span) << side;
    EXPECT_EQ(static_cast<float>(to_pixel(span.centre, side) / side), span.centre);
  }
}

TEST(PixelSpans, EdgesComeBackToo) {
  for (const float centre : {0.0F, 1e-6F, 0.5F, 1.0F}) {
    for (const float size : {0.0F, 1e-6F, 1.0F}) {
      const AxisSpan span{centre, size};
      EXPECT_EQ(to_span(to_run(span, 333), 333), span);
      EXPECT_EQ(to_span(to_ends(span, 333), 333), span);
    }
  }
}

TEST(PlaceLabel, KeepsWhatYoloTextCouldHold) {
  const PlacedLabel inside = place_label(2, PixelEnds{10, 30}, PixelEnds{0, 50}, 100, 50);
  EXPECT_EQ(inside.label, (Label{2, 0.2F, 0.5F, 0.2F, 1.0F}));
  EXPECT_FALSE(inside.clipped);
  const PlacedLabel over_the_edge = place_label(0, PixelRun{80, 40}, PixelRun{0, 50}, 100, 50);
  EXPECT_EQ(over_the_edge.label, (Label{0, 1.0F, 0.5F, 0.4F, 1.0F}));
  EXPECT_FALSE(over_the_edge.clipped);
  const PlacedLabel point = place_label(0, PixelEnds{50, 50}, PixelEnds{25, 25}, 100, 50);
  EXPECT_EQ(point.label, (Label{0, 0.5F, 0.5F, 0.0F, 0.0F}));
}

TEST(PlaceLabel, ClipsTheRest) {
  const PlacedLabel clipped = place_label(1, PixelRun{90, 40}, PixelRun{0, 25}, 100, 50);
  EXPECT_EQ(clipped.label, (Label{1, 0.95F, 0.25F, 0.1F, 0.5F}));
  EXPECT_TRUE(clipped.clipped);
  EXPECT_FALSE(place_label(1, PixelRun{130, 40}, PixelRun{0, 25}, 100, 50).label);
}

}  // namespace
}  // namespace gannet
