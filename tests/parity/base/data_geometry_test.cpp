// Letterbox, first resize and rectangular batches against the original's numbers.
#include <gtest/gtest.h>

#include "gannet/data/images/letterbox.h"
#include "gannet/data/images/resize.h"
#include "gannet/data/loading/sampler.h"
#include "tests/parity/base/data_vectors.h"

namespace gannet::testing {
namespace {

TEST(DataGeometryParity, LetterboxGeometryIsExact) {
  const nlohmann::json rows = read_json("data/letterbox_geometry").at("rows");
  ASSERT_EQ(rows.size(), 180);
  for (const nlohmann::json& row : rows) {
    const nlohmann::json& shape = row[2];
    LetterboxOptions options;
    options.height = shape.is_array() ? shape[0].get<int>() : shape.get<int>();
    options.width = shape.is_array() ? shape[1].get<int>() : shape.get<int>();
    options.minimal = row[3].get<bool>();
    options.scale_up = row[4].get<bool>();
    const LetterboxGeometry geometry =
        letterbox_geometry({row[1].get<int>(), row[0].get<int>()}, options);
    const std::string name = row.dump();
    EXPECT_EQ(geometry.outer, cv::Size(row[6].get<int>(), row[5].get<int>())) << name;
    EXPECT_EQ(geometry.gain, row[7].get<double>()) << name;
    EXPECT_EQ(geometry.pad_w, row[8].get<double>()) << name;
    EXPECT_EQ(geometry.pad_h, row[9].get<double>()) << name;
    EXPECT_EQ(geometry.top, row[10].get<int>()) << name;
    EXPECT_EQ(geometry.left, row[11].get<int>()) << name;
    EXPECT_EQ(geometry.inner, cv::Size(row[13].get<int>(), row[12].get<int>())) << name;
  }
}

TEST(DataGeometryParity, LetterboxedPictures) {
  for (const auto& [key, record] : small_json().at("letterbox").items()) {
    const cv::Mat image = small_image("image." + key.substr(key.find('.') + 1));
    LetterboxOptions options;
    const cv::Mat expected = small_image("letterbox_" + key);
    options.height = key.starts_with("auto64") ? 64 : expected.rows;
    options.width = key.starts_with("auto64") ? 64 : expected.cols;
    options.minimal = key.starts_with("auto64");
    options.scale_up = !key.starts_with("rect");
    const LetterboxGeometry geometry = letterbox_geometry(image.size(), options);
    EXPECT_EQ(geometry.gain, record.at("ratio")[0].get<double>()) << key;
    EXPECT_EQ(geometry.pad_w, record.at("pad")[0].get<double>()) << key;
    EXPECT_EQ(geometry.pad_h, record.at("pad")[1].get<double>()) << key;
    expect_close(letterbox(image, geometry), expected, key);
  }
}

TEST(DataGeometryParity, ResizedPictures) {
  for (const auto& [key, record] : small_json().at("load_image").items()) {
    const cv::Mat image = small_image("image." + key.substr(key.find('.') + 1));
    const int side = std::stoi(key);
    const bool augment = key.find("augment") != std::string::npos;
    expect_close(resize_to_side(image, image.size(), side, augment),
                 small_image("load_image_" + key), key);
    EXPECT_EQ(image.rows, record.at("original_hw")[0].get<int>());
  }
}

TEST(DataGeometryParity, BatchShapesOfSmallPictures) {
  const nlohmann::json& evaluation = small_json().at("evaluation");
  std::vector<double> ratios;
  for (int i = 0; i < 6; ++i) {
    const cv::Mat image = small_image("image." + std::to_string(i));
    ratios.push_back(static_cast<double>(image.rows) / image.cols);
  }
  const auto plans =
      plan_rectangular(ratios, evaluation.at("batch").get<int>(), evaluation.at("size").get<int>(),
                       32, evaluation.at("pad").get<double>());
  ASSERT_EQ(plans.size(), 3);
  std::size_t position = 0;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    EXPECT_EQ(plans[i].height, evaluation.at("batch_shapes_hw")[i][0].get<int>());
    EXPECT_EQ(plans[i].width, evaluation.at("batch_shapes_hw")[i][1].get<int>());
    for (const std::int64_t index : plans[i].indices) {
      const auto file = evaluation.at("order")[position++].get<std::string>();
      const double expected = ratios[static_cast<std::size_t>(std::stoi(file))];
      EXPECT_EQ(ratios[static_cast<std::size_t>(index)], expected) << file;  // equal ones may swap
    }
  }
}

}  // namespace
}  // namespace gannet::testing
