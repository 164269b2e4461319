#include "gannet/data/labels/label_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gannet/core/rng.h"
#include "gannet/data/labels/label_file.h"

namespace gannet {
namespace {

using ::testing::HasSubstr;

LabelRow only_row(const std::string& text) {
  const std::vector<LabelRow> rows = read_label_rows(text);
  EXPECT_EQ(rows.size(), 1);
  return rows.empty() ? LabelRow{} : rows.front();
}

TEST(LabelRows, KeepLineAndText) {
  const auto rows = read_label_rows("0 0.5 0.25 0.1 0.2\r\n\n  2\t1 0 0.1 0  \n");
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0].line, 1);
  EXPECT_EQ(rows[0].text, "0 0.5 0.25 0.1 0.2");
  EXPECT_EQ(rows[0].label, (Label{0, 0.5F, 0.25F, 0.1F, 0.2F}));
  EXPECT_EQ(rows[0].state, RowState::kUsable);
  EXPECT_EQ(rows[1].line, 3);
  EXPECT_EQ(rows[1].text, "2\t1 0 0.1 0");
}

TEST(LabelRows, EachDefectHasItsState) {
  EXPECT_EQ(only_row("0 .5 .5 .1").state, RowState::kMalformed);
  EXPECT_EQ(only_row("0 .5 oops .1 .1").state, RowState::kMalformed);
  EXPECT_EQ(only_row("0 .5 nan .1 .1").state, RowState::kMalformed);
  EXPECT_EQ(only_row("1.5 .5 .5 .1 .1").state, RowState::kMalformed);
  EXPECT_EQ(only_row("-1 .5 .5 .1 .1").state, RowState::kNegativeClass);
  EXPECT_EQ(only_row("0 .5 1.5 .1 .1").state, RowState::kOutside);
  EXPECT_EQ(only_row("0 .5 -.5 .1 .1").state, RowState::kOutside);
  EXPECT_EQ(only_row("1 .1 .1 .9 .1 .5 1.2").state, RowState::kOutside);
  EXPECT_EQ(only_row("0 .5 .5 0 0").state, RowState::kUsable);  // a matter of the box
  EXPECT_THAT(only_row("0 .5 .5 .1").problem, HasSubstr("4 columns"));
  EXPECT_THAT(only_row("0 .5 1.5 .1 .1").problem, HasSubstr("1.5"));
}

TEST(LabelRows, ProblemsOfDamagedFilesAreShortAndPrintable) {
  const LabelRow row = only_row("0 0.5 \x1b[2J" + std::string(100000, 'x') + " .1 .1");
  EXPECT_EQ(row.state, RowState::kMalformed);
  EXPECT_LT(row.problem.size(), 200);
  EXPECT_EQ(row.problem.find('\x1b'), std::string::npos);
}

TEST(LabelRows, TheUsableOnesAreThoseOfTraining) {
  Rng rng({3, 0, 0, Purpose::kTest});
  const std::vector<std::string> columns = {"0", "1", "-1", "0.5", ".25", "1.5", "x", "1e-3", ""};
  std::string text;
  for (int line = 0; line < 500; ++line) {
    text += columns[rng.below(4)] + ' ';
    for (int i = 1; i < 5; ++i) {
      // Mostly numbers in range, so that many rows are usable.
      text += (rng.below(4) > 0 ? columns[3] : columns[rng.below(9)]) + ' ';
    }
    text += '\n';
  }
  std::vector<Label> usable;
  for (const LabelRow& row : read_label_rows(text)) {
    if (row.state == RowState::kUsable) usable.push_back(row.label);
  }
  std::vector<Label> trained_on = parse_labels(text, "a.txt").labels;
  EXPECT_GT(usable.size(), 50);
  // The one difference: training cuts the fraction off a class.
  std::erase_if(trained_on, [](const Label& label) { return label.class_id == 0; });
  std::erase_if(usable, [](const Label& label) { return label.class_id == 0; });
  EXPECT_EQ(usable, trained_on);
}

TEST(LabelRows, ClippedBoxesEndAtTheEdge) {
  const LabelRow row = clip_row(only_row("2 1 0.5 0.5 -0"));
  EXPECT_EQ(row.label, (Label{2, 0.875F, 0.5F, 0.25F, 0.0F}));
  const LabelRow corner = clip_row(only_row("2 -0.25 1.25 1 1"));
  EXPECT_EQ(corner.label, (Label{2, 0.125F, 0.875F, 0.25F, 0.25F}));
  EXPECT_EQ(corner.text, "2 0.125 0.875 0.25 0.25");
  EXPECT_EQ(corner.state, RowState::kUsable);
}

TEST(LabelRows, ClippedOutlinesStayOutlines) {
  const LabelRow row = clip_row(only_row("1 -0.5 0.25 0.5 0.25 0.5 1.5"));
  EXPECT_EQ(row.text, "1 0 0.25 0.5 0.25 0.5 1");
  EXPECT_EQ(row.label, (Label{1, 0.25F, 0.625F, 0.5F, 0.75F}));
}

TEST(LabelRows, NothingIsLeftOfBoxesOutsideOrInPixels) {
  EXPECT_EQ(clip_row(only_row("0 1.5 0.5 0.5 0.5")).label.width, 0);
  EXPECT_EQ(clip_row(only_row("0 320 240 100 80")).label.width, 0);
  EXPECT_EQ(clip_row(only_row("0 0.5 0.5 100 80")).label.width, 0);
  EXPECT_EQ(clip_row(only_row("0 0.5 0.5 -0.1 0.1")).label.width, 0);
}

TEST(LabelRows, ClippedRowsAreReadAsTheyAre) {
  Rng rng({4, 0, 0, Purpose::kTest});
  const auto number = [&] { return static_cast<float>(rng.below(3000)) / 1000 - 1; };
  int with_area = 0;
  for (int i = 0; i < 300; ++i) {
    LabelRow row;
    row.label = {1, number(), number(), number(), number()};
    const LabelRow clipped = clip_row(row);
    EXPECT_LT(overhang_px(clipped.label, 1000, 1000), 0.01F);
    if (!(clipped.label.width > 0 && clipped.label.height > 0)) continue;
    ++with_area;
    const LabelRow read = only_row(clipped.text);
    EXPECT_EQ(read.state, RowState::kUsable) << clipped.text;
    EXPECT_EQ(read.label, clipped.label);
  }
  EXPECT_GT(with_area, 30);
}

TEST(LabelRows, OverhangIsThatOfTheWorstSide) {
  EXPECT_EQ(overhang_px({0, 0.5F, 0.5F, 1, 1}, 100, 100), 0);
  EXPECT_FLOAT_EQ(overhang_px({0, 0.0F, 0.5F, 0.5F, 1}, 100, 40), 25);
  EXPECT_FLOAT_EQ(overhang_px({0, 0.75F, 1.0F, 0.75F, 0.5F}, 40, 100), 25);
}

}  // namespace
}  // namespace gannet
