#include "gannet/viz/confusion_plot.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gannet/core/error.h"

namespace gannet {
namespace {

cv::Vec3b colour_at(const cv::Mat& picture, const cv::Rect& cell) {
  return picture.at<cv::Vec3b>(cell.y + cell.height / 5, cell.x + cell.width / 5);
}

cv::Vec3b share(double value) {
  const cv::Scalar colour = share_colour(value);
  return {static_cast<std::uint8_t>(colour[0]), static_cast<std::uint8_t>(colour[1]),
          static_cast<std::uint8_t>(colour[2])};
}

TEST(ConfusionMatrix, CellsAreSharesOfTheirColumn) {
  // Rows: predicted a, b, background. Columns: true a, b, background.
  const ConfusionCounts confusion{{"a", "b"}, {3, 0, 1, 0, 5, 3, 1, 0, 0}};
  const cv::Mat picture = draw_confusion_matrix(confusion);
  const ConfusionLayout layout = confusion_layout(confusion.names);
  const double expected[3][3] = {{0.75, 0, 0.25}, {0, 1, 0.75}, {0.25, 0, 0}};
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      EXPECT_EQ(colour_at(picture, layout.cell(row, column)), share(expected[row][column]))
          << row << ", " << column;
    }
  }
}

TEST(ConfusionMatrix, EmptyColumnsAndSmallSharesStayBlank) {
  const cv::Mat picture = draw_confusion_matrix({{"a"}, {0, 4, 0, 996}});
  const ConfusionLayout layout = confusion_layout({"a"});
  EXPECT_EQ(colour_at(picture, layout.cell(0, 0)), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(colour_at(picture, layout.cell(0, 1)), cv::Vec3b(255, 255, 255));
  EXPECT_EQ(colour_at(picture, layout.cell(1, 1)), share(0.996));
  EXPECT_NO_THROW(draw_confusion_matrix({{}, {0}}));
  EXPECT_THROW(draw_confusion_matrix({{"a"}, {1, 2}}), std::exception);
}

TEST(ConfusionMatrix, TextsDoNotOverlapWithOneThreeAndEightyClasses) {
  for (const int count : {0, 1, 3, 30, 80, 365}) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) {
      names.push_back(i % 5 == 0 ? fmt::format("велосипед in a long name {}", i)
                                 : fmt::format("großer Hund {}", i));
    }
    const ConfusionLayout layout = confusion_layout(names);
    std::vector<cv::Rect> places = {layout.matrix, layout.colour_bar};
    for (const PlacedText& text : layout.texts) places.push_back(text.bounds());
    const cv::Rect canvas({0, 0}, layout.canvas);
    for (std::size_t i = 0; i < places.size(); ++i) {
      EXPECT_EQ(places[i] & canvas, places[i]) << count;
      for (std::size_t k = 0; k < i; ++k) {
        EXPECT_TRUE((places[i] & places[k]).empty()) << count << ": " << places[k] << places[i];
      }
    }
  }
}

TEST(ConfusionMatrix, IsTheSameOnEveryCall) {
  const ConfusionCounts confusion{{"Ελλάδα", "b"}, {3, 0, 1, 0, 5, 3, 1, 0, 0}};
  EXPECT_EQ(
      cv::norm(draw_confusion_matrix(confusion), draw_confusion_matrix(confusion), cv::NORM_INF),
      0);
}

TEST(ShareColour, GetsDarker) {
  double light = 256;
  for (const double value : {0.0, 0.2, 0.4, 0.6, 0.8, 1.0}) {
    const cv::Scalar colour = share_colour(value);
    const double now = 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2];
    EXPECT_LT(now, light);
    light = now;
  }
}

}  // namespace
}  // namespace gannet
