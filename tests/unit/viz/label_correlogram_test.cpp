#include "gannet/viz/label_correlogram.h"

#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "gannet/viz/density.h"
#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

class LabelCorrelogram : public testing::TemporaryFolder {
 protected:
  cv::Mat draw(const std::vector<Label>& labels) const {
    const auto path = folder_ / "labels_correlogram.png";
    plot_label_correlogram(labels, path);
    return cv::imread(path.string());
  }
};

TEST_F(LabelCorrelogram, NeedsNoVariety) {
  EXPECT_EQ(draw({}).size(), cv::Size(1600, 1600));
  EXPECT_FALSE(draw(std::vector<Label>(9, {2, 0.5f, 0.5f, 0.1f, 0.1f})).empty());
  EXPECT_FALSE(draw({{0, 1.0f, 0.0f, 1.0f, 1.0f}, {0, 1.1f, -0.1f, 0.0f, 2.0f}}).empty());
}

TEST_F(LabelCorrelogram, DrawsWhatDiffersInItsPanelsOnly) {
  // Of another width: the panels of the column and the row of widths, from the third on.
  const cv::Mat one = draw({{0, 0.5f, 0.5f, 0.2f, 0.3f}}),
                other = draw({{0, 0.5f, 0.5f, 0.8f, 0.3f}});
  cv::Mat difference;
  cv::absdiff(one, other, difference);
  cv::cvtColor(difference, difference, cv::COLOR_BGR2GRAY);
  const auto changed = [&](int column, int row) {
    return cv::countNonZero(difference(cv::Rect(column * 400, row * 400, 400, 400))) > 0;
  };
  for (int row = 0; row < 4; ++row)
    for (int column = 0; column < 4; ++column)
      EXPECT_EQ(changed(column, row), column <= row && (column == 2 || row == 2))
          << column << ", " << row;
}

TEST(Density, DarkensTheCellsOfPoints) {
  cv::Mat canvas(40, 40, CV_8UC3, cv::Scalar(255, 255, 255));
  draw_density(canvas, {0, 0, 40, 40}, {{0.1f, 0.1f}, {0.1f, 0.1f}, {0.9f, 0.9f}, {2, -1}}, 4);
  const auto is_white = [&](int x, int y) {
    return canvas.at<cv::Vec3b>(y, x) == cv::Vec3b(255, 255, 255);
  };
  EXPECT_FALSE(is_white(5, 35));   // two, below left
  EXPECT_FALSE(is_white(35, 5));   // one, above right
  EXPECT_FALSE(is_white(35, 35));  // outside: at the edge
  EXPECT_TRUE(is_white(5, 5));
  EXPECT_NE(canvas.at<cv::Vec3b>(35, 5), canvas.at<cv::Vec3b>(5, 35));
}

}  // namespace
}  // namespace gannet
