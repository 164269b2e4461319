#include "gannet/curate/check/report.h"

#include <gmock/gmock.h>

#include <opencv2/imgcodecs.hpp>

#include "gannet/core/error.h"
#include "gannet/curate/check/finding_tiles.h"
#include "tests/unit/curate/check/check_fixture.h"
#include "tests/unit/thrown_error.h"

namespace gannet::testing {
namespace {

class DatasetReportTest : public CheckFolder {
 protected:
  cv::Mat draw(const DatasetCheck& check) const {
    plot_dataset_check(check, path("report.png"));
    return cv::imread(path("report.png"));
  }
};

TEST_F(DatasetReportTest, CleanSetMakesAShortPage) {
  add_clean();
  const cv::Mat clean = draw(check());
  EXPECT_EQ(clean.cols, 1600);
  add("train/b", "0 .5 .5 0 0\n");
  EXPECT_GT(draw(check()).rows, clean.rows);
}

TEST_F(DatasetReportTest, WorksForSetsWithoutAnything) {
  EXPECT_FALSE(draw(check(true)).empty());
  DataDescription data = description();
  data.num_classes = 300;
  data.names = std::vector<std::string>(300, "a class with a rather long name");
  add_clean();
  EXPECT_FALSE(draw(check_dataset(data, {})).empty());
  EXPECT_FALSE(draw(DatasetCheck()).empty());
}

TEST_F(DatasetReportTest, ImagesThatCannotBeReadAreShownAsSuch) {
  add_clean();
  write_text("images/train/broken.png", "no picture");
  EXPECT_FALSE(draw(check()).empty());
}

TEST_F(DatasetReportTest, WorstImagesComeFirst) {
  add_clean();
  add("train/notes", "0 .5 .5 .2 .2\n0 .5 .5 .2 .2\n0 .5 .5 .2 .2\n");
  add("train/one", "0 .5 .5 0 0\n");
  add("train/two", "0 .5 .5 0 0\n0 .5 .5 0 .1\n");
  const DatasetCheck found = check();
  const auto worst = worst_images(found, 2);
  ASSERT_EQ(worst.size(), 2);
  const auto path_of = [&](const ImageFindings& entry) {
    return found.survey.splits[0].images[static_cast<std::size_t>(entry.image)].path;
  };
  EXPECT_EQ(path_of(worst[0]), path("images/train/two.png"));
  EXPECT_EQ(path_of(worst[1]), path("images/train/one.png"));
  EXPECT_EQ(worst_images(found, 9).size(), 3);
}

TEST_F(DatasetReportTest, ProblemsAreDrawnInTheirColour) {
  add_clean();
  add("train/b", "0 .5 .5 0 0\n");
  const DatasetCheck found = check();
  cv::Mat canvas(300, 300, CV_8UC3, cv::Scalar::all(255));
  draw_finding_tile(canvas, {0, 0, 300, 300}, found, worst_images(found, 1).at(0));
  const cv::Scalar colour = severity_colour(Severity::kProblem);
  cv::Mat mask;
  cv::inRange(canvas, colour, colour, mask);
  EXPECT_GT(cv::countNonZero(mask), 20);
}

TEST_F(DatasetReportTest, FolderThatIsMissingIsAnError) {
  add_clean();
  EXPECT_ERROR(kIo, "cannot write", plot_dataset_check(check(), path("absent/report.png")));
}

}  // namespace
}  // namespace gannet::testing
