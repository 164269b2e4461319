#include "gannet/viz/plots.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgcodecs.hpp>

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
  plot_curves({{"a", {0, 1, 2}, {3, 2, 1}}, {"b", {0, 1}, {NAN, INFINITY}}, {"c", {}, {}}}, 2,
              "epoch", path_);
  EXPECT_EQ(picture().size(), cv::Size(960, 1200));
}

TEST_F(Plots, ConstantCurvesAndSinglePointsWork) {
  plot_curves({{"a", {0}, {0.5}}, {"b", {0, 1}, {0, 0}}, {"c", {0, 1}, {1e9, 1e9}}}, 3, "", path_);
  EXPECT_FALSE(picture().empty());
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
