#include "gannet/core/box.h"

#include <gtest/gtest.h>

#include "gannet/core/rng.h"

namespace gannet {
namespace {

void expect_box(const Box& box, const Box& expected, float tolerance = 1e-4F) {
  EXPECT_NEAR(box.x1, expected.x1, tolerance);
  EXPECT_NEAR(box.y1, expected.y1, tolerance);
  EXPECT_NEAR(box.x2, expected.x2, tolerance);
  EXPECT_NEAR(box.y2, expected.y2, tolerance);
}

Box random_box(Rng& rng) {
  const auto x = static_cast<float>(rng.uniform(0, 50)), y = static_cast<float>(rng.uniform(0, 50));
  return {x, y, x + static_cast<float>(rng.uniform(1, 50)),
          y + static_cast<float>(rng.uniform(1, 50))};
}

TEST(Iou, CountedByHand) {
  EXPECT_FLOAT_EQ(iou({0, 0, 2, 2}, {1, 0, 3, 2}), 1.0F / 3);
  EXPECT_FLOAT_EQ(iou({0, 0, 4, 4}, {1, 1, 3, 3}), 0.25F);
  EXPECT_EQ(iou({0, 0, 1, 1}, {1, 0, 2, 1}), 0);  // they touch
  EXPECT_EQ(iou({0, 0, 1, 1}, {5, 5, 6, 6}), 0);
  EXPECT_EQ(iou({1, 1, 1, 1}, {1, 1, 1, 1}), 0);  // no area
}

TEST(Iou, IsSymmetricAndBounded) {
  Rng rng({1, 0, 0, Purpose::kTest});
  for (int i = 0; i < 200; ++i) {
    const Box a = random_box(rng), b = random_box(rng);
    const float value = iou(a, b);
    EXPECT_EQ(value, iou(b, a));
    EXPECT_GE(value, 0);
    EXPECT_LE(value, 1);
    EXPECT_FLOAT_EQ(iou(a, a), 1);
  }
}

TEST(Clip, KeepsCornersInside) {
  expect_box(clip({-5, 3, 30, 99}, 20, 10), {0, 3, 20, 10});
  expect_box(clip({1, 2, 3, 4}, 20, 10), {1, 2, 3, 4});
}

TEST(ToOriginal, UndoesTheLetterbox) {
  const LetterboxRecord record{100, 200, 0.5, 0.5, 16, 8};
  const Box original{20, 10, 180, 90};
  const Box network{20 * 0.5F + 16, 10 * 0.5F + 8, 180 * 0.5F + 16, 90 * 0.5F + 8};
  expect_box(to_original(network, record), original);
}

TEST(ToOriginal, ClipsToThePicture) {
  const LetterboxRecord record{427, 640, 1, 1, 0, 106.5};
  expect_box(to_original({100, 100, 300, 200}, record), {100, 0, 300, 93.5});
}

TEST(ToOriginal, TakesTheGainOfTheHeightForBothAxes) {
  const LetterboxRecord record{100, 100, 0.5, 0.25, 0, 0};
  expect_box(to_original({10, 10, 20, 20}, record), {20, 20, 40, 40});
}

}  // namespace
}  // namespace gannet
