#include "gannet/viz/plots.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "gannet/viz/axes.h"
#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

class Plots : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    path_ = folder_ / "plot.png";
  }
  cv::Mat picture() const { return cv::imread(path_.string()); }

  fs::path path_;
};

TEST_F(Plots, CurvesMakeAGridOfPanels) {
  plot_curves({{"a", {0, 1, 2}, {3, 2, 1}}, {"b", {0, 1}, {NAN, INFINITY}}, {"c", {}, {}}},
              {.columns = 2, .x_title = "epoch"}, path_);
  EXPECT_EQ(picture().size(), cv::Size(960, 1200));
}

TEST_F(Plots, ConstantCurvesAndSinglePointsWork) {
  plot_curves({{"a", {0}, {0.5}}, {"b", {0, 1}, {0, 0}}, {"c", {0, 1}, {1e9, 1e9}}},
              {.columns = 3, .smoothed = true, .best_x = 0}, path_);
  EXPECT_FALSE(picture().empty());
}

TEST_F(Plots, TheBestPlaceIsMarkedInItsColumn) {
  const auto draw = [&](double best_x) {
    plot_curves({{"a", {0, 1, 2}, {1, 2, 3}}}, {.columns = 1, .best_x = best_x}, path_);
    return picture();
  };
  const cv::Mat plain = draw(NAN), marked = draw(1);
  cv::Mat difference;
  cv::absdiff(plain, marked, difference);
  cv::cvtColor(difference, difference, cv::COLOR_BGR2GRAY);
  // The middle of the x axis is the middle of the frame: below the values only the mark differs.
  const cv::Rect below(0, 400, 480, 120);
  const cv::Rect mark = cv::boundingRect(difference(below));
  EXPECT_EQ(mark.width, 1);
  EXPECT_GT(mark.height, 90);
  EXPECT_NO_THROW(draw(7));  // no value there
}

TEST(GaussSmoothed, KeepsConstantsAndGaps) {
  const auto smoothed = gauss_smoothed({2, NAN, 2, 2}, 3);
  EXPECT_DOUBLE_EQ(smoothed[0], 2);
  EXPECT_TRUE(std::isnan(smoothed[1]));
  const auto peak = gauss_smoothed({0, 0, 1, 0, 0}, 1);
  EXPECT_NEAR(peak[2], 1 / (1 + 2 * std::exp(-0.5) + 2 * std::exp(-2)), 1e-12);
  EXPECT_NEAR(peak[1], peak[3], 1e-15);
}

TEST_F(Plots, LabelsNeedNoVariety) {  // Q57
  plot_labels({}, {}, path_);
  EXPECT_EQ(picture().size(), cv::Size(1600, 1600));
  plot_labels(std::vector<Label>(9, {2, 0.5f, 0.5f, 0.1f, 0.1f}), {"a"}, path_);
  EXPECT_FALSE(picture().empty());
  plot_labels({{120, 1.0f, 0.0f, 1.0f, 1.0f}}, std::vector<std::string>(80, "class"), path_);
  EXPECT_FALSE(picture().empty());
}

TEST(RoundTicks, AreRoundAndInside) {
  EXPECT_EQ(round_ticks({0, 1}, 5).size(), 6u);
  EXPECT_EQ(round_ticks({0, 1.2}, 3, true), (std::vector<double>{0, 1}));
  for (const double tick : round_ticks({-0.37, 12.9}, 6)) {
    EXPECT_GE(tick, -0.37);
    EXPECT_LE(tick, 12.9);
  }
  EXPECT_EQ(tick_text(0.30000000000000004, 0.1), "0.3");
  EXPECT_EQ(tick_text(20, 20), "20");
  EXPECT_EQ(tick_text(0.005, 0.005), "0.005");
}

}  // namespace
}  // namespace gannet
