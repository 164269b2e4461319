#include "gannet/capi/gannet_c.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <thread>
#include <vector>

#include "gannet/detect/detector.h"
#include "tests/unit/detect/detector_fixture.h"

namespace gannet {
namespace {

using ::testing::HasSubstr;

gannet_image c_image(const cv::Mat& image) {
  return {image.data, image.cols, image.rows, static_cast<std::int64_t>(image.step), GANNET_BGR};
}

/// A detector by the C API and the same one by C++.
class CApi : public testing::DetectorFixture {
 protected:
  void SetUp() override {
    testing::DetectorFixture::SetUp();
    ASSERT_EQ(gannet_init_options(&options_, sizeof options_), GANNET_OK);
    options_.device = "cpu";
    options_.precision = "fp32";
    options_.image_size = 64;
    options_.confidence = 0.05;
    ASSERT_EQ(gannet_load(checkpoint().c_str(), &options_, &detector_), GANNET_OK)
        << gannet_last_error();
  }
  void TearDown() override {
    gannet_free_detector(detector_);
    testing::DetectorFixture::TearDown();
  }
  gannet_options options_ = {};
  gannet_detector* detector_ = nullptr;
};

void expect_equal(const gannet_detections& found, const std::vector<Detection>& expected) {
  ASSERT_EQ(found.count, expected.size());
  for (std::size_t i = 0; i < found.count; ++i) {
    EXPECT_EQ(found.items[i].class_id, expected[i].class_id);
    EXPECT_NEAR(found.items[i].score, expected[i].score, 1e-5);
    EXPECT_NEAR(found.items[i].x1, expected[i].box_px.x1, 1e-2);
    EXPECT_NEAR(found.items[i].y2, expected[i].box_px.y2, 1e-2);
  }
}

TEST_F(CApi, FindsWhatTheDetectorFinds) {
  const cv::Mat image = testing::noise(120, 80, 5);
  const gannet_image one = c_image(image);
  gannet_detections found;
  ASSERT_EQ(gannet_detect(detector_, &one, &found), GANNET_OK);
  ASSERT_GT(found.count, 0u);
  expect_equal(found, load().detect(testing::view(image)));
  gannet_free_detections(&found);
  EXPECT_EQ(found.items, nullptr);
  EXPECT_EQ(found.count, 0u);
}

TEST_F(CApi, FindsTheSameInABatchAndInAFile) {
  const cv::Mat image = testing::noise(120, 80, 5);
  const auto expected = load().detect(testing::view(image));
  const gannet_image twice[] = {c_image(image), c_image(image)};
  gannet_detections found[2];
  ASSERT_EQ(gannet_detect_batch(detector_, twice, 2, found), GANNET_OK);
  for (gannet_detections& one : found) {
    expect_equal(one, expected);
    gannet_free_detections(&one);
  }
  std::vector<unsigned char> png;
  cv::imencode(".png", image, png);
  ASSERT_EQ(gannet_detect_encoded(detector_, png.data(), png.size(), found), GANNET_OK);
  expect_equal(found[0], expected);
  gannet_free_detections(&found[0]);
}

TEST_F(CApi, SeesTheOrderOfChannelsAndGapsBetweenRows) {
  const cv::Mat wide = testing::noise(120, 80, 5);
  const cv::Mat part = wide.colRange(0, 64);  // rows 360 bytes apart, 192 used
  cv::Mat rgb;
  cv::cvtColor(part, rgb, cv::COLOR_BGR2RGB);
  gannet_image with_gaps = c_image(part), swapped = c_image(rgb);
  swapped.order = GANNET_RGB;
  swapped.row_bytes = 0;
  gannet_detections found, same;
  ASSERT_EQ(gannet_detect(detector_, &with_gaps, &found), GANNET_OK);
  ASSERT_EQ(gannet_detect(detector_, &swapped, &same), GANNET_OK);
  ASSERT_EQ(found.count, same.count);
  ASSERT_GT(found.count, 0u);
  EXPECT_EQ(found.items[0].score, same.items[0].score);
  gannet_free_detections(&found);
  gannet_free_detections(&same);
}

TEST_F(CApi, TellsClassesAndSizes) {
  EXPECT_EQ(gannet_num_classes(detector_), 3u);
  EXPECT_STREQ(gannet_class_name(detector_, 2), "c");
  EXPECT_EQ(gannet_class_name(detector_, 3), nullptr);
  EXPECT_EQ(gannet_class_name(detector_, -1), nullptr);
  EXPECT_EQ(gannet_image_size(detector_), 64);
  EXPECT_STREQ(gannet_version(), GANNET_VERSION);
}

TEST_F(CApi, AnswersMistakesWithAReason) {
  const auto why = [](gannet_status status, gannet_status expected) {
    EXPECT_EQ(status, expected);
    return std::string(gannet_last_error());
  };
  const cv::Mat image = testing::noise(8, 8, 1);
  const gannet_image good = c_image(image);
  gannet_detections found;
  EXPECT_THAT(why(gannet_detect(nullptr, &good, &found), GANNET_ERROR_USAGE),
              HasSubstr("detector"));
  EXPECT_THAT(why(gannet_detect(detector_, nullptr, &found), GANNET_ERROR_USAGE),
              HasSubstr("images"));
  EXPECT_THAT(why(gannet_detect(detector_, &good, nullptr), GANNET_ERROR_USAGE),
              HasSubstr("results"));
  gannet_image bad = good;
  bad.row_bytes = 23;  // of 24
  EXPECT_THAT(why(gannet_detect(detector_, &bad, &found), GANNET_ERROR_USAGE),
              HasSubstr("row_bytes"));
  bad = good;
  bad.order = 7;
  EXPECT_THAT(why(gannet_detect(detector_, &bad, &found), GANNET_ERROR_USAGE), HasSubstr("order"));
  EXPECT_EQ(found.count, 0u);
  EXPECT_THAT(why(gannet_detect_encoded(detector_, "GIF89a", 6, &found), GANNET_ERROR_DATA),
              HasSubstr("not a JPEG"));
  gannet_detector* none = detector_;
  const std::string text = write("text.pt", "no model");
  EXPECT_THAT(why(gannet_load(text.c_str(), &options_, &none), GANNET_ERROR_CHECKPOINT),
              HasSubstr("text.pt"));
  EXPECT_EQ(none, nullptr);
  options_.device = "cuda:99";
  EXPECT_THAT(why(gannet_load(checkpoint().c_str(), &options_, &none), GANNET_ERROR_USAGE),
              HasSubstr("99"));
}

TEST_F(CApi, TakesOptionsOfAnOlderProgramAndRefusesThoseOfANewerOne) {
  gannet_options older;
  std::memset(&older, 0xAB, sizeof older);
  const std::size_t known = offsetof(gannet_options, iou);
  ASSERT_EQ(gannet_init_options(&older, known), GANNET_OK);
  EXPECT_EQ(older.size, known);
  EXPECT_EQ(older.confidence, DetectorOptions().confidence);
  unsigned char beyond = 0;
  std::memcpy(&beyond, &older.iou, 1);
  EXPECT_EQ(beyond, 0xAB);  // not the program's any more
  gannet_detector* detector = nullptr;
  EXPECT_EQ(gannet_load(checkpoint().c_str(), &older, &detector), GANNET_OK);
  gannet_free_detector(detector);
  older.size = sizeof older + 1;
  EXPECT_EQ(gannet_load(checkpoint().c_str(), &older, &detector), GANNET_ERROR_USAGE);
  EXPECT_EQ(gannet_init_options(&older, sizeof older + 1), GANNET_ERROR_USAGE);
}

TEST_F(CApi, CallsMayOverlapAndEachThreadHasItsOwnError) {
  const cv::Mat image = testing::noise(120, 80, 5);
  const auto expected = load().detect(testing::view(image));
  ASSERT_EQ(gannet_detect(nullptr, nullptr, nullptr), GANNET_ERROR_USAGE);
  const std::string own = gannet_last_error();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      EXPECT_STREQ(gannet_last_error(), "");
      const gannet_image one = c_image(image);
      gannet_detections found;
      EXPECT_EQ(gannet_detect(detector_, &one, &found), GANNET_OK);
      expect_equal(found, expected);
      gannet_free_detections(&found);
      EXPECT_EQ(gannet_detect_encoded(detector_, "?", 1, &found), GANNET_ERROR_DATA);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(gannet_last_error(), own);
}

}  // namespace
}  // namespace gannet
