#include "gannet/loss/assign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/loss/loss_fixture.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using Integers = std::vector<std::int64_t>;

Integers integers(const torch::Tensor& x) {
  const auto flat = x.contiguous();
  return {flat.const_data_ptr<std::int64_t>(), flat.const_data_ptr<std::int64_t>() + flat.numel()};
}

void expect_near(const torch::Tensor& actual, const torch::Tensor& expected) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_TRUE(torch::allclose(actual, expected, 1e-5, 1e-5)) << actual;
}

std::vector<LevelMatches> stock_matches() {
  const HeadSpec head = testing::stock_head();
  return assign_targets(testing::stock_targets(), testing::zero_outputs(head, 2), head, {});
}

// RB appendix B.4.
TEST(AssignTargets, CoarseLevelOfTheBehaviourReference) {
  const LevelMatches p5 = stock_matches()[0];
  EXPECT_THAT(integers(p5.anchor), ElementsAre(0, 0, 0));
  EXPECT_THAT(integers(p5.row), ElementsAre(1, 1, 0));
  EXPECT_THAT(integers(p5.column), ElementsAre(2, 1, 2));
  EXPECT_THAT(integers(p5.image), ElementsAre(0, 0, 0));
  EXPECT_THAT(integers(p5.class_id), ElementsAre(5, 5, 5));
  expect_near(
      p5.box_cxcywh,
      torch::tensor({{.12F, .2F, 1.F, 1.6F}, {1.12F, .2F, 1.F, 1.6F}, {.12F, 1.2F, 1.F, 1.6F}}));
  expect_near(p5.anchor_cells, torch::tensor({{116.F, 90.F}}).expand({3, 2}) / 32);
}

TEST(AssignTargets, MiddleLevelOfTheBehaviourReference) {
  const LevelMatches p4 = stock_matches()[1];
  EXPECT_THAT(integers(p4.anchor), ElementsAre(0, 1, 2, 0, 1, 2, 0, 1, 2));
  EXPECT_THAT(integers(p4.row), ElementsAre(2, 2, 2, 2, 2, 2, 1, 1, 1));
  EXPECT_THAT(integers(p4.column), ElementsAre(4, 4, 4, 3, 3, 3, 4, 4, 4));
  const auto offsets =
      torch::tensor({{.24F, .4F, 2.F, 3.2F}, {1.24F, .4F, 2.F, 3.2F}, {.24F, 1.4F, 2.F, 3.2F}});
  expect_near(p4.box_cxcywh, offsets.repeat_interleave(3, 0));
}

TEST(AssignTargets, FineLevelOfTheBehaviourReference) {
  const LevelMatches p3 = stock_matches()[2];
  EXPECT_THAT(integers(p3.class_id),
              ElementsAreArray(Integers{5, 2, 5, 2, 5, 5, 2, 5, 2, 5, 2, 2, 5, 5, 5}));
  EXPECT_THAT(integers(p3.anchor),
              ElementsAreArray(Integers{0, 0, 1, 1, 2, 0, 0, 1, 1, 2, 0, 1, 0, 1, 2}));
  EXPECT_THAT(integers(p3.row),
              ElementsAreArray(Integers{4, 12, 4, 12, 4, 4, 12, 4, 12, 4, 11, 11, 5, 5, 5}));
  EXPECT_THAT(integers(p3.column),
              ElementsAreArray(Integers{8, 8, 8, 8, 8, 7, 7, 7, 7, 7, 8, 8, 8, 8, 8}));
}

LevelMatches one_target(float cx, float cy, float width, double threshold = 4) {
  const HeadSpec head = testing::one_anchor_head(1);
  const auto targets = torch::tensor({{0.F, 0.F, cx, cy, width, .25F}});
  return assign_targets(targets, testing::zero_outputs(head, 1), head, {threshold}).at(0);
}

TEST(AssignTargets, CentreInTheMiddleOfACellHasNoNeighbours) {
  const LevelMatches match = one_target(.375F, .625F, .25F);  // 1.5 and 2.5 of 4 cells
  EXPECT_THAT(integers(match.column), ElementsAre(1));
  EXPECT_THAT(integers(match.row), ElementsAre(2));
  expect_near(match.box_cxcywh, torch::tensor({{.5F, .5F, 1.F, 1.F}}));
}

TEST(AssignTargets, SideRatioMustStayBelowTheThreshold) {
  EXPECT_EQ(one_target(.375F, .375F, 1.F).count(), 0);  // 4 cells against 1: not below 4
  EXPECT_EQ(one_target(.375F, .375F, 1.F, 4.01).count(), 1);
  EXPECT_EQ(one_target(.375F, .375F, .0625F).count(), 0);  // a quarter of a cell
  EXPECT_EQ(one_target(.375F, .375F, .07F).count(), 1);
}

// Q41: a centre on the last edge would be one cell outside.
TEST(AssignTargets, CellsStayInsideTheGrid) {
  for (const float edge : {0.F, 1.F}) {
    const LevelMatches match = one_target(edge, edge, .25F);
    ASSERT_GE(match.count(), 1);
    for (const auto& cells : {match.row, match.column}) {
      EXPECT_GE(cells.min().item<std::int64_t>(), 0);
      EXPECT_LE(cells.max().item<std::int64_t>(), 3);
    }
  }
}

TEST(AssignTargets, NoTargetsGiveEmptyMatches) {
  const HeadSpec head = testing::stock_head();
  const auto matches =
      assign_targets(torch::zeros({0, 6}), testing::zero_outputs(head, 2), head, {});
  ASSERT_EQ(matches.size(), 3U);
  for (const LevelMatches& level : matches) EXPECT_EQ(level.count(), 0);
}

}  // namespace
}  // namespace gannet
