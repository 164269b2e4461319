#include "gannet/viz/evolution_plot.h"

#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>

#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

class EvolutionPlots : public testing::TemporaryFolder {
 protected:
  cv::Mat draw(const EvolutionPlot& plot) const {
    plot_evolution(plot, folder_ / "evolve.png");
    return cv::imread(path("evolve.png"));
  }
};

TEST_F(EvolutionPlots, HaveSixPanelsARowAndAKey) {
  EvolutionPlot plot{.fitness = {0.1, 0.3, 0.2}, .best = 1};
  for (int g = 0; g < 6; ++g) plot.genes.push_back({"gene", {1, 2, 3}});
  const cv::Mat picture = draw(plot);  // the key begins a second row
  EXPECT_EQ(picture.cols, 6 * 360);
  EXPECT_EQ(picture.rows, 2 * 330 + 8);
}

TEST_F(EvolutionPlots, WorkWithOneCandidateAndEqualValues) {
  EXPECT_FALSE(draw({.genes = {{"zero", {0}}, {"small", {1e-5}}}, .fitness = {0}}).empty());
  EXPECT_FALSE(draw({.genes = {{"same", {2, 2}}}, .fitness = {0.5, 0.5}, .best = 1}).empty());
}

TEST_F(EvolutionPlots, MarkTheBest) {
  const auto with_best = [&](std::size_t best) {
    return draw({.genes = {{"x", {0, 1}}}, .fitness = {0.5, 0.5}, .best = best});
  };
  cv::Mat difference;
  cv::absdiff(with_best(0), with_best(1), difference);
  EXPECT_GT(cv::countNonZero(difference.reshape(1)), 50);
}

}  // namespace
}  // namespace gannet
