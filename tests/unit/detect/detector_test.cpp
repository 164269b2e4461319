#include "gannet/detect/detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <thread>

#include "gannet/core/rng.h"
#include "gannet/detect/detect_files.h"
#include "gannet/export/export_model.h"
#include "gannet/io/torch_file.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/run_checkpoint.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::HasSubstr;

cv::Mat noise(int width, int height, std::uint64_t seed) {
  cv::Mat image(height, width, CV_8UC3);
  Rng rng({seed, 0, 0, Purpose::kTest});
  for (std::size_t i = 0; i < image.total() * 3; ++i)
    image.data[i] = static_cast<std::uint8_t>(rng.below(256));
  return image;
}

ImageView view(const cv::Mat& image, ChannelOrder order = ChannelOrder::kBgr) {
  return {image.data, image.cols, image.rows, static_cast<std::ptrdiff_t>(image.step), order};
}

/// A checkpoint of an untrained model whose scores differ, and a folder of pictures.
class DetectorTest : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    TrainState state;
    state.model = testing::make_model("shallow", {.seed = 3});
    testing::disturb_norms(*state.model);
    state.ema = std::make_unique<Ema>(*state.model);
    state.optimizer = make_optimizer(*state.model, {"sgd", 0.01, 0.9, 5e-4});
    mark_boundary(state);
    save_torch_file(checkpoint(), checkpoint_of(state, Settings{}, {"a", "b", "c"}));
    make_folder("images");
    cv::imwrite(path("images/one.png"), noise(80, 60, 1));
    cv::imwrite(path("images/two.png"), noise(50, 90, 2));
  }
  std::string checkpoint() const { return path("model.pt"); }
  Detector load(DetectorOptions options = {}) const {
    options.device = "cpu";
    options.precision = "fp32";
    options.image_size = 64;
    options.confidence = 0.05;
    return Detector::load(checkpoint(), options);
  }
  DetectSettings settings() const {
    DetectSettings s;
    s.weights = checkpoint();
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
  const auto summary = detect_files(settings(), [&](const ImageDetections& result) {
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
  });
  EXPECT_THAT(seen, ::testing::ElementsAre("one.png", "two.png"));
  EXPECT_EQ(summary.images, 2);
  EXPECT_EQ(summary.failed, 0);
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
