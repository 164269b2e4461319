#include "gannet/viz/draw.h"

#include <gtest/gtest.h>

#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <set>

#include "gannet/core/error.h"
#include "gannet/viz/palette.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

Batch batch_of(int images, int height, int width) {
  Batch batch;
  batch.images = images;
  batch.height = height;
  batch.width = width;
  batch.pixels.reset(new std::uint8_t[std::max<std::size_t>(batch.bytes(), 1)]);
  std::memset(batch.pixels.get(), 100, batch.bytes());
  for (int i = 0; i < images; ++i) {
    SampleInfo sample;
    sample.path = "images/some picture.jpg";
    batch.samples.push_back(sample);
  }
  return batch;
}

cv::Vec3b colour_of(int class_id) {
  const cv::Scalar colour = class_colour(class_id);
  return {static_cast<std::uint8_t>(colour[0]), static_cast<std::uint8_t>(colour[1]),
          static_cast<std::uint8_t>(colour[2])};
}

TEST(Palette, ColoursAreDistinctAndFixed) {
  std::set<std::tuple<double, double, double>> colours;
  for (int c = 0; c < 20; ++c) {
    const cv::Scalar colour = class_colour(c);
    colours.insert({colour[0], colour[1], colour[2]});
  }
  EXPECT_EQ(colours.size(), 20u);
  EXPECT_EQ(class_colour(3), class_colour(23));
  EXPECT_NO_THROW(class_colour(-1));
}

TEST(DrawDetections, PaintsTheEdgeAndLeavesTheMiddle) {
  cv::Mat image(480, 640, CV_8UC3, cv::Scalar(0, 0, 0));
  draw_detections(image, {{{100, 100, 300, 300}, 0.9f, 2, "cat"}});
  EXPECT_EQ(image.at<cv::Vec3b>(250, 100), colour_of(2));
  EXPECT_EQ(image.at<cv::Vec3b>(200, 200), cv::Vec3b(0, 0, 0));
  EXPECT_EQ(image.at<cv::Vec3b>(400, 500), cv::Vec3b(0, 0, 0));
}

TEST(DrawDetections, SurvivesOddBoxesAndImages) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(8, 300), cv::Size(2000, 40)}) {
    cv::Mat image(size, CV_8UC3, cv::Scalar(0, 0, 0));
    draw_detections(image, {{{-50, -50, 9000, 9000}, 0.9f, 0, "a very long name for a class"},
                            {{5, 5, 5, 5}, 0.5f, 1, ""},
                            {{9, 9, 2, 2},
                             0.5f,
                             -3,
                             "Stra\xC3\x9F"
                             "e"}});
    EXPECT_EQ(image.size(), size);
  }
  cv::Mat none;
  EXPECT_NO_THROW(draw_detections(none, {{{0, 0, 1, 1}, 1, 0, ""}}));
}

/// The rectangle of pixels in a colour, which a tag fills.
cv::Rect extent_of(const cv::Mat& image, int class_id) {
  cv::Mat mask;
  cv::inRange(image, class_colour(class_id), class_colour(class_id), mask);
  return cv::boundingRect(mask);
}

TEST(DrawBoxes, LinesFollowTheImageSizeOrTheOption) {
  const auto line_width = [](const cv::Size& size, const DrawOptions& options) {
    cv::Mat image(size, CV_8UC3, cv::Scalar(0, 0, 0));
    draw_boxes(image, {{{100, 100, 300, 300}, 1, ""}}, options);
    int width = 0;
    for (int x = 80; x < 120; ++x) width += image.at<cv::Vec3b>(200, x) == colour_of(1) ? 1 : 0;
    return width;
  };
  EXPECT_EQ(line_width({640, 480}, {}), 2);    // max(round(1120 / 2 * 0.003), 2)
  EXPECT_EQ(line_width({1280, 1024}, {}), 3);  // round(3.456)
  EXPECT_EQ(line_width({1920, 1280}, {}), 5);  // round(4.8)
  EXPECT_EQ(line_width({640, 480}, {.line_thickness = 7}), 7);
}

TEST(DrawBoxes, CaptionsCanBeHidden) {
  const auto draw = [](const std::vector<Detection>& detections, const DrawOptions& options) {
    cv::Mat image(480, 640, CV_8UC3, cv::Scalar(0, 0, 0));
    draw_detections(image, detections, options);
    return image;
  };
  const Detection detection{{100, 100, 300, 300}, 0.9f, 2, "cat"};
  const cv::Rect bare = extent_of(draw({detection}, {.hide_labels = true}), 2);
  EXPECT_EQ(bare, cv::Rect(99, 99, 202, 202));
  EXPECT_EQ(extent_of(draw({detection}, {}), 2).br(), bare.br());
  EXPECT_LT(extent_of(draw({detection}, {}), 2).y, bare.y - 10);
  const Detection small{{100, 100, 104, 104}, 0.9f, 2, "cat"};
  EXPECT_LT(extent_of(draw({small}, {.hide_conf = true}), 2).width,
            extent_of(draw({small}, {}), 2).width - 20);  // " 0.90"
}

TEST(DrawBoxes, CaptionsStayInsideAndReadable) {
  cv::Mat large(500, 660, CV_8UC3, cv::Scalar(0, 0, 0));
  cv::Mat image = large(cv::Rect(10, 10, 640, 480));
  std::vector<CaptionedBox> boxes;
  for (const float x : {-20.f, 0.f, 300.f, 630.f}) {
    for (const float y : {-20.f, 0.f, 200.f, 470.f}) {
      boxes.push_back({{x, y, x + 40, y + 30}, 3, "велосипед 0.99"});
    }
  }
  boxes.push_back({{100, 300, 200, 400}, 4, ""});
  boxes.back().caption.append(300, 'W');
  draw_boxes(image, boxes);
  cv::Mat grey;
  cv::cvtColor(large, grey, cv::COLOR_BGR2GRAY);
  grey(cv::Rect(10, 10, 640, 480)).setTo(0);
  EXPECT_EQ(cv::countNonZero(grey), 0);  // nothing outside
  EXPECT_LE(extent_of(image, 4).width, 320 + 2);
}

TEST(DrawBoxes, LookTheSameOnEveryCall) {
  const auto draw = [] {
    cv::Mat image(480, 640, CV_8UC3, cv::Scalar(9, 9, 9));
    draw_boxes(image, {{{10, 10, 300, 300}, 1, "Ελλάδα"}, {{20, 9, 310, 300}, 2, "猫"}});
    return image;
  };
  EXPECT_EQ(cv::norm(draw(), draw(), cv::NORM_INF), 0);
}

TEST(TextColour, ContrastsWithEveryClass) {
  const auto light = [](const cv::Scalar& c) { return 0.114 * c[0] + 0.587 * c[1] + 0.299 * c[2]; };
  for (int c = 0; c < 20; ++c) {
    EXPECT_GT(std::abs(light(class_colour(c)) - light(text_colour_on(class_colour(c)))), 90) << c;
  }
}

TEST(LabelsAndPredictions, StandSideBySide) {
  Batch batch = batch_of(1, 320, 320);
  batch.targets.push_back({0, 1, 0.5f, 0.75f, 0.5f, 0.25f});
  const cv::Mat both = labels_and_predictions(batch, {}, {{{{80, 200, 240, 280}, 0.9f, 2}}});
  ASSERT_EQ(both.size(), cv::Size(2 * (320 + 24), 320 + 44 + 12));
  EXPECT_EQ(both.at<cv::Vec3b>(44 + 240, 12 + 80), colour_of(1));
  EXPECT_EQ(both.at<cv::Vec3b>(44 + 240, 344 + 12 + 80), colour_of(2));
  EXPECT_TRUE(labels_and_predictions(batch_of(0, 32, 32), {}, {}).empty());
}

TEST(BatchMosaic, TakesAnotherTileSizeAndScore) {
  Batch batch = batch_of(4, 320, 320);
  EXPECT_EQ(batch_mosaic(batch, {}, MosaicOptions{.tile_px = 480}).size(), cv::Size(960, 960));
  const ScoredBox unsure{{80, 200, 240, 280}, 0.27f, 2};
  const auto mosaic = batch_mosaic(batch, {}, {{unsure}}, {.min_score = 0.25f});
  EXPECT_EQ(mosaic.at<cv::Vec3b>(240, 80), colour_of(2));
}

TEST(BatchMosaic, FillsAGridByColumns) {
  Batch batch = batch_of(3, 64, 128);
  const std::size_t image_bytes = 64 * 128 * 3;
  for (std::size_t i = 0; i < 3; ++i) {
    std::memset(batch.pixels.get() + i * image_bytes, static_cast<int>(50 * (i + 1)), image_bytes);
  }
  const cv::Mat grid = batch_mosaic(batch, {});
  ASSERT_EQ(grid.size(), cv::Size(640, 320));  // 2 x 2 tiles of 320 x 160
  EXPECT_EQ(grid.at<cv::Vec3b>(100, 160), cv::Vec3b(50, 50, 50));
  EXPECT_EQ(grid.at<cv::Vec3b>(260, 160), cv::Vec3b(100, 100, 100));
  EXPECT_EQ(grid.at<cv::Vec3b>(100, 480), cv::Vec3b(150, 150, 150));
  EXPECT_EQ(grid.at<cv::Vec3b>(260, 480), cv::Vec3b(255, 255, 255));
}

TEST(BatchMosaic, ShowsAtMostSixteenImages) {
  EXPECT_EQ(batch_mosaic(batch_of(40, 32, 32), {}).size(), cv::Size(1280, 1280));
  EXPECT_EQ(batch_mosaic(batch_of(1, 32, 32), {}).size(), cv::Size(320, 320));
  EXPECT_TRUE(batch_mosaic(batch_of(0, 32, 32), {}).empty());
}

TEST(BatchMosaic, LeavesTheBatchAlone) {  // Q54
  const Batch batch = batch_of(2, 64, 64);
  batch_mosaic(batch, {"a"});
  for (std::size_t i = 0; i < batch.bytes(); ++i) ASSERT_EQ(batch.pixels[i], 100);
}

TEST(BatchMosaic, DrawsTargetsAndConfidentPredictions) {
  Batch batch = batch_of(1, 640, 640);
  batch.targets.push_back({0, 1, 0.5f, 0.75f, 0.5f, 0.25f});
  const cv::Point edge(80, 240);  // left edge of the box, at half size
  EXPECT_EQ(batch_mosaic(batch, {"a", "b"}).at<cv::Vec3b>(edge), colour_of(1));
  const ScoredBox sure{{160, 400, 480, 560}, 0.31f, 2}, unsure{{160, 400, 480, 560}, 0.3f, 2};
  EXPECT_EQ(batch_mosaic(batch, {}, {{sure}}).at<cv::Vec3b>(edge), colour_of(2));
  EXPECT_EQ(batch_mosaic(batch, {}, {{unsure}}).at<cv::Vec3b>(edge), cv::Vec3b(100, 100, 100));
}

TEST(BatchMosaic, TheMostCertainPredictionIsOnTopInWhateverOrderTheyCome) {
  const Batch batch = batch_of(1, 640, 640);
  const ScoredBox sure{{160, 400, 480, 560}, 0.9f, 2}, unsure{{160, 400, 480, 560}, 0.4f, 1};
  const cv::Mat first = batch_mosaic(batch, {"a", "b", "c"}, {{sure, unsure}});
  EXPECT_EQ(first.at<cv::Vec3b>(240, 80), colour_of(2));
  EXPECT_EQ(cv::norm(first, batch_mosaic(batch, {"a", "b", "c"}, {{unsure, sure}}), cv::NORM_INF),
            0);
}

TEST(BatchMosaic, LinesOfBoxesDoNotCrossTheFileName) {
  Batch batch = batch_of(1, 640, 640);
  const cv::Rect name(2, 2, 40, 12);
  const cv::Mat without = batch_mosaic(batch, {"a"})(name).clone();
  batch.targets.push_back({0, 0, 0.5f, 0.5f, 0.97f, 0.97f});
  EXPECT_EQ(cv::norm(without, batch_mosaic(batch, {"a"})(name), cv::NORM_INF), 0);
}

using SavePicture = testing::TemporaryFolder;

TEST_F(SavePicture, RoundTripsAndExplainsFailures) {
  const fs::path path = folder_ / "picture.png";
  cv::Mat image(10, 12, CV_8UC3, cv::Scalar(1, 2, 3));
  save_picture(path, image);
  EXPECT_EQ(cv::imread(path.string()).at<cv::Vec3b>(5, 5), cv::Vec3b(1, 2, 3));
  EXPECT_ERROR(kIo, "cannot write", save_picture("no/such/folder/x.png", image));
  EXPECT_ERROR(kIo, "cannot encode", save_picture("x.unknown", image));
  EXPECT_ERROR(kIo, "cannot encode", save_picture(path, cv::Mat()));
}

}  // namespace
}  // namespace gannet
