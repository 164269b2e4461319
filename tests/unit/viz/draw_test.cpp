#include "gannet/viz/draw.h"

#include <gtest/gtest.h>

#include <cstring>
#include <opencv2/imgcodecs.hpp>
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
