// A photograph through the loaders of detection and evaluation: what the original makes of it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/imgproc.hpp>

#include "gannet/data/images/image_io.h"
#include "gannet/data/images/letterbox.h"
#include "gannet/data/loading/datasets.h"
#include "tests/parity/base/data_vectors.h"
#include "tests/unit/data/data_fixture.h"

namespace gannet::testing {
namespace {

constexpr double kGreyLevel = 1;  // decoders of JPEG differ by so much on average

/// Means and deviations of the whole and means of 4 x 4 cells.
void expect_summary(const cv::Mat& image, const nlohmann::json& expected, const std::string& name) {
  ASSERT_EQ(nlohmann::json({image.rows, image.cols, image.channels()}), expected.at("shape_hwc"));
  cv::Scalar mean, deviation;
  cv::meanStdDev(image, mean, deviation);
  for (int c = 0; c < 3; ++c) {
    const auto channel = static_cast<std::size_t>(c);
    EXPECT_NEAR(mean[c], expected.at("mean_bgr")[channel].get<double>(), kGreyLevel) << name;
    EXPECT_NEAR(deviation[c], expected.at("std_bgr")[channel].get<double>(), kGreyLevel) << name;
    for (std::size_t cell = 0; cell < 16; ++cell) {
      const int y = static_cast<int>(cell) / 4, x = static_cast<int>(cell) % 4;
      const cv::Mat part = image(cv::Range(image.rows * y / 4, image.rows * (y + 1) / 4),
                                 cv::Range(image.cols * x / 4, image.cols * (x + 1) / 4));
      EXPECT_NEAR(cv::mean(part)[c],
                  expected.at("cell_means_bgr")[cell / 4][cell % 4][channel].get<double>(),
                  kGreyLevel)
          << name << ", cell " << y << ", " << x;
    }
  }
}

class DataRealImageParity : public DataFolder {
 protected:
  const nlohmann::json picture_ = read_json("data/real_images").at(0);
  const std::string file_ = vector_path("data/" + picture_.at("file").get<std::string>());
};

TEST_F(DataRealImageParity, DecodedAndLetterboxedForDetection) {
  const cv::Mat image = decode_image(file_);
  expect_summary(image, picture_.at("decoded"), "decoded");
  for (const int side : {320, 640}) {
    LetterboxOptions options;
    options.height = options.width = side;
    options.minimal = true;
    expect_summary(letterbox(image, letterbox_geometry(image.size(), options)),
                   picture_.at(fmt::format("detect_{}", side)), fmt::format("detect {}", side));
  }
}

TEST_F(DataRealImageParity, SampleOfEvaluation) {
  std::filesystem::copy(file_, path("images/a.jpg"));
  write_text("labels/a.txt", read_vector("data/bccd/labels/train/BloodImage_00001.txt"));
  const auto images = index(3);
  for (const int side : {320, 640}) {
    const std::string name = fmt::format("evaluate_{}", side);
    const nlohmann::json& expected = picture_.at(name);
    SampleRequest request;
    request.height = expected.at("batch_shape_hw")[0].get<int>();
    request.width = expected.at("batch_shape_hw")[1].get<int>();
    const Sample sample = make_evaluation_dataset(images, side)->get(request);
    expect_summary(sample.image, expected, name);
    expect_close(sample.labels, expected.at("labels").get<std::vector<std::vector<float>>>(), name);
    const nlohmann::json& record = expected.at("shapes_record");
    EXPECT_EQ(nlohmann::json({sample.letterbox.original_height, sample.letterbox.original_width}),
              record[0]);
    EXPECT_DOUBLE_EQ(sample.letterbox.gain_h, record[1][0][0].get<double>());
    EXPECT_DOUBLE_EQ(sample.letterbox.gain_w, record[1][0][1].get<double>());
    EXPECT_EQ(sample.letterbox.pad_w, record[1][1][0].get<double>());
    EXPECT_EQ(sample.letterbox.pad_h, record[1][1][1].get<double>());
  }
}

}  // namespace
}  // namespace gannet::testing
