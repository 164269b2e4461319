#include "gannet/curate/check/summary.h"

#include <gmock/gmock.h>

#include "tests/unit/curate/check/check_fixture.h"

namespace gannet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using DatasetSummaryTest = CheckFolder;

TEST(HistogramOf, CountsHalfOpenRanges) {
  Histogram histogram{{1, 2}, {0, 0, 0}};
  for (const double value : {0.5, 1.0, 1.9, 2.0, 7.0}) histogram.add(value);
  EXPECT_THAT(histogram.counts, ElementsAre(1, 2, 2));
}

TEST(SpreadOf, MedianOfOddEvenAndNone) {
  EXPECT_EQ(spread_of({3, 1, 2}).median, 2);
  EXPECT_EQ(spread_of({4, 1, 2, 3}).median, 2.5);
  EXPECT_EQ(spread_of({4, 1}).lowest, 1);
  EXPECT_EQ(spread_of({4, 1}).highest, 4);
  EXPECT_EQ(spread_of({}).median, 0);
}

TEST_F(DatasetSummaryTest, CountsWhatTrainingUses) {
  add_clean();
  add("train/b",
      "0 .5 .5 .16 .32\n"  // 16 x 16 px, 102.4 at 640
      "5 .5 .5 .1 .1\n"    // no such class
      "0 .5 .5 .1\n");     // malformed
  add("train/background", "");
  write_text("images/train/broken.png", "no picture");
  SurveyOptions headers_only;
  headers_only.decode = false;
  const DatasetSurvey survey = survey_dataset(description(), headers_only);
  const SplitSummary train = summarize(survey, 640).at(0);
  EXPECT_EQ(train.images, 4);
  EXPECT_EQ(train.usable, 3);
  EXPECT_EQ(train.background, 1);
  EXPECT_EQ(train.labels, 3);
  EXPECT_EQ(train.classes[0].labels, 2);
  EXPECT_EQ(train.classes[0].images, 2);
  EXPECT_EQ(train.classes[1].labels, 1);
  EXPECT_EQ(train.image_width.median, 100);
  // 50 x 25 px at 6.4 times: 226; 25 x 12.5: 113; 16 x 16: 102.4
  EXPECT_NEAR(train.box_side.lowest, 102.4, 1e-3);
  EXPECT_NEAR(train.box_side.highest, 226.27, 1e-2);
  EXPECT_THAT(train.box_sides.counts, ElementsAre(0, 0, 0, 0, 0, 0, 2, 1, 0, 0));
  EXPECT_EQ(labels_of(survey.splits[0], 2).size(), 3);
}

TEST_F(DatasetSummaryTest, TableShowsEverySplitAndClass) {
  add_clean();
  add("train/c", "1 .4 .4 .2 .2\n");
  const std::string text = describe_splits(check().splits, {"dog", "cat"}, 2);
  EXPECT_THAT(text, HasSubstr("train         2         3"));
  EXPECT_THAT(text, HasSubstr("100x50"));
  EXPECT_THAT(text, HasSubstr("    0 dog "));
  EXPECT_THAT(text, HasSubstr("    1 cat "));
  EXPECT_THAT(text, HasSubstr(" 2 /      2 "));
  const std::string first = describe_splits(check().splits, {"dog", "cat"}, 1);
  EXPECT_EQ(first.find("    1 cat "), std::string::npos);  // as many labels as dog, but later
  EXPECT_THAT(first, HasSubstr("the 1 classes with most labels of 2"));
}

}  // namespace
}  // namespace gannet::testing
