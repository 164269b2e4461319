#include "gannet/ops/nms.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace gannet {
namespace {

using Row = std::array<float, 6>;  // x1, y1, x2, y2, score, class

// RB appendix B.8: rows cx, cy, w, h, objectness, two class scores.
torch::Tensor example() {
  return torch::tensor({{50.0, 50.0, 20.0, 20.0, 0.9, 0.9, 0.1},
                        {51.0, 50.0, 20.0, 20.0, 0.8, 0.8, 0.3},
                        {50.0, 50.0, 20.0, 20.0, 0.7, 0.1, 0.9},
                        {100.0, 100.0, 30.0, 30.0, 0.6, 0.5, 0.6}})
      .unsqueeze(0);
}

void expect_rows(const std::vector<ScoredBox>& found, const std::vector<Row>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const ScoredBox& f = found[i];
    const Row actual{f.box.x1, f.box.y1, f.box.x2,
                     f.box.y2, f.score,  static_cast<float>(f.class_id)};
    for (std::size_t v = 0; v < actual.size(); ++v)
      EXPECT_NEAR(actual[v], expected[i][v], 1e-4) << "row " << i << " value " << v;
  }
}

NmsOptions thresholds(double confidence, double overlap) {
  NmsOptions options;
  options.conf_threshold = confidence;
  options.iou_threshold = overlap;
  return options;
}

std::vector<ScoredBox> of_example(const NmsOptions& options) {
  return non_max_suppression(example(), options).at(0);
}

TEST(Nms, ExampleOfTheBehaviourReference) {
  NmsOptions agnostic, merge, second_class;
  agnostic.agnostic = true;
  merge.merge = true;
  second_class.classes = {1};
  expect_rows(of_example({}), {{40, 40, 60, 60, .81F, 0},
                               {40, 40, 60, 60, .63F, 1},
                               {85, 85, 115, 115, .36F, 1},
                               {85, 85, 115, 115, .30F, 0}});
  expect_rows(of_example(agnostic), {{40, 40, 60, 60, .81F, 0}, {85, 85, 115, 115, .36F, 1}});
  expect_rows(of_example(merge),
              {{40.4414F, 40, 60.4414F, 60, .81F, 0}, {40.2759F, 40, 60.2759F, 60, .63F, 1}});
  expect_rows(of_example(second_class), {{40, 40, 60, 60, .63F, 1}, {85, 85, 115, 115, .36F, 1}});
  expect_rows(of_example(thresholds(0.3, 0.5)),
              {{40, 40, 60, 60, .81F, 0}, {40, 40, 60, 60, .63F, 1}, {85, 85, 115, 115, .36F, 1}});
}

TEST(Nms, AtMostSoManyDetections) {
  NmsOptions options;
  options.max_detections = 2;
  EXPECT_EQ(of_example(options).size(), 2U);
}

torch::Tensor random_prediction(std::int64_t images, std::int64_t rows) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(7);
  auto prediction = torch::rand({images, rows, 8}, generator, torch::kFloat32);
  prediction.slice(2, 0, 2).mul_(100);
  prediction.slice(2, 2, 4).mul_(40).add_(5);
  return prediction;
}

TEST(Nms, IsIdempotentAndInDescendingOrder) {
  const NmsOptions options = thresholds(0.2, 0.4);
  const auto found = non_max_suppression(random_prediction(1, 150), options).at(0);
  ASSERT_GT(found.size(), 10U);
  auto again = torch::zeros({1, static_cast<std::int64_t>(found.size()), 8});
  std::vector<Row> expected;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const ScoredBox& f = found[i];
    if (i > 0) EXPECT_LE(f.score, found[i - 1].score);
    const auto row = again[0][static_cast<std::int64_t>(i)];
    const float values[] = {(f.box.x1 + f.box.x2) / 2, (f.box.y1 + f.box.y2) / 2, f.box.width(),
                            f.box.height(), 1};
    for (std::int64_t v = 0; v < 5; ++v) row[v] = values[v];
    row[5 + f.class_id] = f.score;
    expected.push_back(
        {f.box.x1, f.box.y1, f.box.x2, f.box.y2, f.score, static_cast<float>(f.class_id)});
  }
  expect_rows(non_max_suppression(again, options).at(0), expected);
}

TEST(Nms, KeptBoxesOfAClassOverlapLittle) {
  const NmsOptions options = thresholds(0.2, 0.4);
  const auto found = non_max_suppression(random_prediction(1, 150), options).at(0);
  for (std::size_t i = 0; i < found.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (found[i].class_id == found[j].class_id)
        EXPECT_LE(iou(found[i].box, found[j].box), 0.4F + 1e-3F);
}

TEST(Nms, ImagesDoNotTouchEachOther) {
  const auto prediction = random_prediction(3, 60);
  const auto together = non_max_suppression(prediction, {});
  ASSERT_EQ(together.size(), 3U);
  for (std::int64_t b = 0; b < 3; ++b) {
    const auto alone = non_max_suppression(prediction.slice(0, b, b + 1), {}).at(0);
    EXPECT_EQ(together[static_cast<std::size_t>(b)].size(), alone.size());
  }
}

TEST(Nms, NothingAboveTheThresholdGivesEmptyLists) {
  const auto found = non_max_suppression(torch::zeros({2, 5, 7}), {});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(found[0].empty());
  EXPECT_TRUE(non_max_suppression(torch::zeros({1, 0, 7}), {}).at(0).empty());
  EXPECT_TRUE(non_max_suppression(torch::full({1, 3, 7}, NAN), {}).at(0).empty());
}

}  // namespace
}  // namespace gannet
