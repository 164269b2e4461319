#include "gannet/detect/detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <sstream>
#include <thread>

#include "gannet/core/atomic_file.h"
#include "gannet/detect/detect_files.h"
#include "gannet/export/export_model.h"
#include "tests/unit/detect/detector_fixture.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::HasSubstr;

using testing::noise;
using testing::view;

class DetectorTest : public testing::DetectorFixture {
 protected:
  DetectSettings settings() const {
    DetectSettings s;
    s.weights = {checkpoint()};
    s.source = path("images");
    s.output = path("found");
    s.img_size = 64;
    s.conf_thres = 0.05;
    s.precision = "fp32";
    s.save_txt = true;
    return s;
  }
};

TEST_F(DetectorTest, GivesBoxesInsideTheImageBestFirst) {
  Detector detector = load();
  const cv::Mat image = noise(120, 80, 5);
  const auto found = detector.detect(view(image));
  ASSERT_FALSE(found.empty());
  float last = 1;
  for (const Detection& d : found) {
    EXPECT_LE(d.score, last);
    last = d.score;
    EXPECT_GE(d.box_px.x1, 0);
    EXPECT_GE(d.box_px.y1, 0);
    EXPECT_LE(d.box_px.x2, 120);
    EXPECT_LE(d.box_px.y2, 80);
    EXPECT_EQ(d.label, detector.names().at(static_cast<std::size_t>(d.class_id)));
  }
  EXPECT_EQ(detector.detect_batch({view(image)}).input_width, 64);
}

TEST_F(DetectorTest, ABatchGivesWhatEachImageGives) {
  const Detector detector = load();
  const cv::Mat wide = noise(120, 80, 5), other = noise(120, 80, 7), tall = noise(50, 90, 8);
  const auto equal = detector.detect_batch({view(wide), view(other)});
  ASSERT_EQ(equal.images.size(), 2u);
  const auto alone = detector.detect(view(other));
  ASSERT_EQ(equal.images[1].size(), alone.size());
  for (std::size_t i = 0; i < alone.size(); ++i) {
    EXPECT_NEAR(equal.images[1][i].score, alone[i].score, 1e-5);
    EXPECT_NEAR(equal.images[1][i].box_px.x1, alone[i].box_px.x1, 1e-2);
  }
  const auto unequal = detector.detect_batch({view(wide), view(tall)});
  EXPECT_EQ(unequal.input_height, 64);
  EXPECT_EQ(unequal.input_width, 64);
  EXPECT_FALSE(unequal.images[1].empty());
}

TEST_F(DetectorTest, CallsMayOverlap) {
  const Detector detector = load();
  const cv::Mat image = noise(120, 80, 5);
  const auto expected = detector.detect(view(image));
  std::vector<std::vector<Detection>> found(8);
  std::vector<std::thread> threads;
  for (auto& own : found)
    threads.emplace_back([&own, &detector, &image] { own = detector.detect(view(image)); });
  for (auto& thread : threads) thread.join();
  for (const auto& own : found) {
    ASSERT_EQ(own.size(), expected.size());
    for (std::size_t i = 0; i < own.size(); ++i) EXPECT_NEAR(own[i].score, expected[i].score, 1e-5);
  }
}

TEST_F(DetectorTest, AnEnsembleOfOneModelTwiceSaysTheSame) {
  DetectorOptions options;
  options.device = "cpu";
  options.precision = "fp32";
  options.image_size = 64;
  options.confidence = 0.05;
  const cv::Mat image = noise(120, 80, 5);
  const auto one = load().detect(view(image));
  const auto two =
      Detector::load_ensemble({checkpoint(), checkpoint()}, options).detect(view(image));
  ASSERT_EQ(two.size(), one.size());
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(two[i].score, one[i].score, 1e-6);
}

TEST_F(DetectorTest, GreyIsTheSameAsThreeEqualChannels) {
  const Detector detector = load();
  cv::Mat grey, colours;
  cv::cvtColor(noise(64, 64, 6), grey, cv::COLOR_BGR2GRAY);
  cv::cvtColor(grey, colours, cv::COLOR_GRAY2BGR);
  const auto expected = detector.detect(view(colours));
  const auto found = detector.detect(view(grey, ChannelOrder::kGrey));
  ASSERT_EQ(found.size(), expected.size());
  EXPECT_EQ(found.front().score, expected.front().score);
}

TEST_F(DetectorTest, OptionsLimitWhatComesBack) {
  const cv::Mat image = noise(120, 80, 5);
  const auto all = load().detect(view(image));
  ASSERT_GT(all.size(), 2u);
  EXPECT_EQ(load({.max_detections = 2}).detect(view(image)).size(), 2u);
  const int wanted = all.front().class_id;
  for (const Detection& d : load({.classes = {wanted}}).detect(view(image)))
    EXPECT_EQ(d.class_id, wanted);
}

TEST_F(DetectorTest, ChannelOrderAndRowGapsDoNotMatter) {
  Detector detector = load();
  const cv::Mat bgr = noise(64, 64, 6);
  cv::Mat rgb, wide(64, 100, CV_8UC3, cv::Scalar::all(7));
  cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
  bgr.copyTo(wide(cv::Rect(0, 0, 64, 64)));
  const auto expected = detector.detect(view(bgr));
  for (const auto& other : {detector.detect(view(rgb, ChannelOrder::kRgb)),
                            detector.detect(view(wide(cv::Rect(0, 0, 64, 64))))}) {
    ASSERT_EQ(other.size(), expected.size());
    EXPECT_EQ(other.front().score, expected.front().score);
    EXPECT_EQ(other.front().box_px.x1, expected.front().box_px.x1);
  }
}

TEST_F(DetectorTest, NamesAFileThatIsNoModel) {
  const auto file = write("no.pt", "text");
  EXPECT_THAT(testing::thrown_error([&] { Detector::load(file); }).what(), HasSubstr("no.pt"));
}

TEST_F(DetectorTest, FilesGetAPictureAndALabelFileEach) {
  std::vector<std::string> seen;
  const auto summary = detect_files(
      settings(), {.result = [&](const FrameDetections& result) {
        seen.push_back(std::filesystem::path(result.path).filename());
        EXPECT_EQ(result.total, 2);
        EXPECT_TRUE(std::filesystem::exists(result.output_path));
        std::ifstream labels(
            path("found/" + std::filesystem::path(result.path).stem().string() + ".txt"));
        std::size_t rows = 0;
        for (std::string row; std::getline(labels, row);) ++rows;
        EXPECT_EQ(rows, result.detections.size());
        for (const Detection& d : result.detections)
          EXPECT_EQ(d.box_px.x1, std::nearbyint(d.box_px.x1));
      }});
  EXPECT_THAT(seen, ::testing::ElementsAre("one.png", "two.png"));
  EXPECT_EQ(summary.images, 2);
  EXPECT_EQ(summary.failed, 0);
}

TEST_F(DetectorTest, WritesTablesAndCrops) {
  DetectSettings s = settings();
  s.save_conf = s.save_json = s.save_csv = s.save_crop = s.nosave = true;
  const auto summary = detect_files(s, {});
  const auto count = [](const std::string& text, const char* piece) {
    std::size_t found = 0;
    for (auto at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1))
      ++found;
    return found;
  };
  const auto objects = static_cast<std::size_t>(summary.detections);
  ASSERT_GT(objects, 0u);
  EXPECT_EQ(count(read_file(path("found/predictions.csv")), "\n"), objects + 1);
  const auto json = nlohmann::json::parse(read_file(path("found/predictions.json")));
  EXPECT_EQ(json.size(), objects);
  EXPECT_EQ(json[0]["box"].size(), 4u);
  EXPECT_FALSE(std::filesystem::exists(path("found/one.png")));
  std::size_t crops = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path("found/crops")))
    crops += entry.is_regular_file() ? 1 : 0;
  EXPECT_LE(crops, objects);  // none of those without area
  EXPECT_GT(crops, 0u);
  std::istringstream row(read_file(path("found/one.txt")));
  std::string line;
  std::getline(row, line);
  EXPECT_EQ(count(line, " "), 5u);
}

TEST_F(DetectorTest, StopsWithWholeFiles) {
  DetectSettings s = settings();
  s.save_json = true;
  const auto summary = detect_files(s, {.result = {}, .stop = [] { return true; }});
  EXPECT_TRUE(summary.stopped);
  EXPECT_EQ(summary.images, 0);
  EXPECT_TRUE(nlohmann::json::parse(read_file(path("found/predictions.json"))).empty());
}

TEST_F(DetectorTest, AnUnreadablePictureIsCountedAndSkipped) {
  write("images/broken.jpg", "no picture");
  const auto summary = detect_files(settings(), {});
  EXPECT_EQ(summary.images, 2);
  EXPECT_EQ(summary.failed, 1);
}

TEST_F(DetectorTest, SaysWhatIsWrongWithTheSource) {
  DetectSettings s = settings();
  s.source = path("nowhere");
  EXPECT_THAT(testing::thrown_error([&] { detect_files(s, {}); }).what(),
              HasSubstr("does not exist"));
  make_folder("hollow");
  s.source = path("hollow") + "/*.jpg";
  EXPECT_THAT(testing::thrown_error([&] { detect_files(s, {}); }).what(), HasSubstr("no images"));
}

// A fixed shape takes every picture whole: what the checkpoint finds at the same letterbox.
TEST_F(DetectorTest, ExportedFilesFindWhatTheCheckpointFinds) {
  const cv::Mat image = noise(64, 64, 5);
  const auto expected = load().detect(view(image));
  ASSERT_FALSE(expected.empty());
  ExportOptions exporting;
  exporting.height = exporting.width = 64;
  DetectorOptions options;
  options.device = "cpu";
  options.precision = "fp32";
  options.confidence = 0.05;
  for (const std::string format : {"onnx", "torchscript"}) {
    const std::string file = export_model(checkpoint(), format, {}, exporting).path;
    const Detector detector = Detector::load(file, options);
    EXPECT_EQ(detector.image_size(), 64);
    EXPECT_EQ(detector.names(), load().names());
    const auto found = detector.detect(view(image));
    ASSERT_EQ(found.size(), expected.size()) << format;
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].label, expected[i].label);
      EXPECT_NEAR(found[i].score, expected[i].score, 1e-5);
      EXPECT_NEAR(found[i].box_px.x1, expected[i].box_px.x1, 1e-2);
      EXPECT_NEAR(found[i].box_px.y2, expected[i].box_px.y2, 1e-2);
    }
    const auto pair = detector.detect_batch({view(image), view(noise(200, 50, 6))});
    EXPECT_EQ(pair.input_height, 64);
    EXPECT_EQ(pair.input_width, 64);
    EXPECT_EQ(pair.images[0].size(), expected.size());
  }
  EXPECT_ERROR(kUsage, "takes other images",
               Detector::load_ensemble({checkpoint(), path("model.onnx")}, options));
}

}  // namespace
}  // namespace gannet
