#include "gannet/viz/evaluation_plots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "gannet/core/error.h"
#include "gannet/viz/palette.h"
#include "gannet/viz/training_plots.h"
#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;

class EvaluationPlots : public testing::TemporaryFolder {
 protected:
  cv::Mat picture() const { return cv::imread(picture_path()); }

  /// Pixels that are this colour or, at the rim of a thin line, at least a third of it over white.
  int count(const cv::Scalar& colour) const {
    const cv::Mat image = picture();
    int found = 0;
    for (auto it = image.begin<cv::Vec3b>(); it != image.end<cv::Vec3b>(); ++it) {
      double along = 0, length = 0, off = 0;
      for (int c = 0; c < 3; ++c) {
        along += (255 - (*it)[c]) * (255 - colour[c]);
        length += (255 - colour[c]) * (255 - colour[c]);
      }
      const double share = along / length;
      for (int c = 0; c < 3; ++c) {
        off = std::max(off, std::abs(255 - (*it)[c] - share * (255 - colour[c])));
      }
      found += share > 0.33 && share < 1.05 && off < 6 ? 1 : 0;
    }
    return found;
  }

  std::string picture_path() const { return path("plot.png"); }
};

PlottedCurves flat_curves(std::size_t classes) {
  PlottedCurves curves;
  for (int i = 0; i < 1000; ++i) curves.x.push_back(i / 999.0);
  for (std::size_t c = 0; c < classes; ++c) {
    curves.names.push_back("Ελλάδα " + std::to_string(c));
    curves.per_class.emplace_back(1000, 0.1 + 0.8 * static_cast<double>(c) / 100);
  }
  return curves;
}

TEST_F(EvaluationPlots, AFewClassesHaveTheirColours) {
  plot_precision_recall(flat_curves(4), {0.1, 0.2, 0.3, 0.4}, picture_path());
  for (int c = 0; c < 4; ++c) EXPECT_GT(count(class_colour(c)), 400) << c;  // a line of 1 px
  EXPECT_LT(count(class_colour(4)), 20);
}

TEST_F(EvaluationPlots, ManyClassesAreGrey) {
  plot_over_confidence(flat_curves(21), "F1", picture_path());
  for (int c = 0; c < 20; ++c) EXPECT_LT(count(class_colour(c)), 20) << c;
}

TEST_F(EvaluationPlots, NothingAndGapsCanBeDrawn) {
  plot_precision_recall({}, {}, picture_path());
  EXPECT_FALSE(picture().empty());
  PlottedCurves curves = flat_curves(2);
  curves.per_class[0].assign(1000, NAN);
  curves.per_class[1].resize(3);
  curves.names.clear();
  plot_precision_recall(curves, {NAN, NAN}, picture_path());
  plot_over_confidence(curves, "P", picture_path());
  EXPECT_FALSE(picture().empty());
  plot_study({}, picture_path());
  plot_study({{"a", {640}, {2.5}, {}}, {"b", {320, 640}, {1, NAN}, {0.3, 0.4}}}, picture_path());
  EXPECT_FALSE(picture().empty());
  EXPECT_THROW(plot_precision_recall({}, {}, path("no/such.png")), Error);
}

TEST_F(EvaluationPlots, AreTheSameOnEveryCall) {
  plot_precision_recall(flat_curves(20), std::vector<double>(20, 0.5), picture_path());
  const cv::Mat first = picture();
  plot_precision_recall(flat_curves(20), std::vector<double>(20, 0.5), picture_path());
  EXPECT_EQ(cv::norm(first, picture(), cv::NORM_INF), 0);
}

TEST_F(EvaluationPlots, StudyDrawsEveryModel) {
  plot_study({{"s", {320, 640}, {1, 2}, {0.3, 0.4}}, {"m", {320, 640}, {2, 4}, {0.4, 0.5}}},
             picture_path());
  EXPECT_GT(count(class_colour(0)), 200);
  EXPECT_GT(count(class_colour(1)), 200);
}

TEST_F(EvaluationPlots, AnchorsOfEachLevelHaveAColour) {
  plot_anchors({{20, 30}, {1e9f, NAN}}, {{{10, 13}}, {{30, 61}}, {{116, 90}}}, picture_path());
  for (int level = 0; level < 3; ++level) EXPECT_GT(count(class_colour(level)), 80);
  EXPECT_NO_THROW(plot_anchors({}, {}, picture_path()));
}

TEST_F(EvaluationPlots, LearningRatesOfEqualGroupsAreBothSeen) {
  const std::vector<double> rates(500, 0.01);
  plot_learning_rates({{"lr0", rates}, {"lr1", rates}}, {"momentum", rates}, 10, picture_path());
  EXPECT_GT(count(class_colour(0)), 400);
  EXPECT_GT(count(class_colour(1)), 400);
  EXPECT_NO_THROW(plot_learning_rates({}, {}, 0, picture_path()));
}

TEST(BoxSmoothed, IsTheMeanOfAWindow) {
  // 0.3 * 10 * 2 = 6: a window of 7 around each, ends repeated.
  const auto smoothed = box_smoothed({0, 0, 0, 0, 7, 0, 0, 0, 0, 0}, 0.3);
  EXPECT_THAT(smoothed, ElementsAre(0, 1, 1, 1, 1, 1, 1, 1, 0, 0));
  EXPECT_THAT(box_smoothed({2, 2, 2}, 0.05), ElementsAre(2, 2, 2));
  EXPECT_TRUE(box_smoothed({}, 0.05).empty());
}

}  // namespace
}  // namespace gannet
