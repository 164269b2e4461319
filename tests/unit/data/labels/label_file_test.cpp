#include "gannet/data/labels/label_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gannet {
namespace {

using ::testing::HasSubstr;

TEST(LabelFile, ReadsRows) {
  const ParsedLabels parsed = parse_labels("0 0.5 0.25 0.1 0.2\r\n\n  2\t+1 0 1e-1 0\n", "a.txt");
  ASSERT_EQ(parsed.labels.size(), 2);
  EXPECT_EQ(parsed.labels[0], (Label{0, 0.5F, 0.25F, 0.1F, 0.2F}));
  EXPECT_EQ(parsed.labels[1], (Label{2, 1.0F, 0.0F, 0.1F, 0.0F}));  // no area: kept
  EXPECT_TRUE(parsed.problems.empty());
  EXPECT_EQ(parsed.highest_class, 2);
  EXPECT_EQ(parsed.highest_class_line, 3);
}

TEST(LabelFile, NothingToRead) {
  EXPECT_TRUE(parse_labels("", "a.txt").labels.empty());
  EXPECT_TRUE(parse_labels("\n \n", "a.txt").problems.empty());
}

TEST(LabelFile, NamesEachBadRowOnceAndGoesOn) {
  const ParsedLabels parsed = parse_labels(
      "0 0.5 0.5 0.1 0.1\n"
      "0 0.5 0.5 0.1\n"
      "0 0.5 0.5 0.1 0.1 0.9\n"
      "0 0.5 oops 0.1 0.1\n"
      "0 0.5 -0.5 0.1 0.1\n"
      "0 0.5 1.5 0.1 0.1\n"
      "0 nan 0.5 0.1 0.1\n"
      "-1 0.5 0.5 0.1 0.1\n"
      "1 0.5 0.5 0.1 0.1",
      "labels/a.txt");
  EXPECT_EQ(parsed.labels.size(), 2);
  ASSERT_EQ(parsed.problems.size(), 7);
  EXPECT_THAT(parsed.problems[0], HasSubstr("labels/a.txt:2: 4 columns"));
  EXPECT_THAT(parsed.problems[1], HasSubstr("labels/a.txt:3: 6 columns"));
  EXPECT_THAT(parsed.problems[2], HasSubstr("labels/a.txt:4: 'oops' is not a number"));
  EXPECT_THAT(parsed.problems[3], HasSubstr("labels/a.txt:5: -0.5 is negative"));
  EXPECT_THAT(parsed.problems[4], HasSubstr("labels/a.txt:6: coordinate 1.5 is above 1"));
  EXPECT_THAT(parsed.problems[5], HasSubstr("labels/a.txt:7: 'nan'"));
  EXPECT_THAT(parsed.problems[6], HasSubstr("labels/a.txt:8: -1 is negative"));
}

TEST(LabelFile, PolygonsBecomeTheirBoxes) {
  const ParsedLabels parsed = parse_labels("1 0.25 0.5 0.75 0.25 0.5 1.0\n", "a.txt");
  ASSERT_EQ(parsed.labels.size(), 1);
  EXPECT_EQ(parsed.labels[0], (Label{1, 0.5F, 0.625F, 0.5F, 0.75F}));
}

TEST(LabelFile, OutlinesAreKeptBesideTheBoxes) {
  const ParsedLabels parsed =
      parse_labels("0 .5 .5 .1 .1\n1 0.25 0.5 0.75 0.25 0.5 1.0\n0 .5 .5 .2 .2\n", "a.txt");
  ASSERT_EQ(parsed.polygons.size(), 3);
  EXPECT_TRUE(parsed.polygons[0].empty());
  EXPECT_EQ(parsed.polygons[1], (Polygon{{0.25F, 0.5F}, {0.75F, 0.25F}, {0.5F, 1.0F}}));
  EXPECT_TRUE(parsed.polygons[2].empty());
  EXPECT_TRUE(parse_labels("0 .5 .5 .1 .1\n", "a.txt").polygons.empty());
}

TEST(LabelFile, RepeatedRowsAreCountedAndKept) {
  const ParsedLabels parsed =
      parse_labels("0 .5 .5 .1 .1\n0 .5 .5 .1 .1\n1 .5 .5 .1 .1\n0 .5 .5 .1 .1\n", "a.txt");
  EXPECT_EQ(parsed.labels.size(), 4);
  EXPECT_EQ(parsed.duplicate_rows, 2);
}

}  // namespace
}  // namespace gannet
