// The small pictures of the golden vectors as OpenCV images and labels, and how close is close
// enough.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/data/augment/affine.h"
#include "gannet/data/sample/pixel_label.h"
#include "tests/parity/base/vectors.h"

namespace gannet::testing {

inline const Tensors& small_tensors() {
  static const Tensors tensors = read_tensors("data/small");
  return tensors;
}

inline const nlohmann::json& small_json() {
  static const nlohmann::json json = read_json("data/small");
  return json;
}

/// A picture stored as [height, width, 3] BGR, or planes [3, height, width] RGB; BGR either way.
inline cv::Mat small_image(const std::string& name) {
  const Tensor& tensor = small_tensors().at(name);
  const auto bytes = tensor.values<std::uint8_t>();
  const bool planes = tensor.shape[0] == 3 && tensor.shape[2] != 3;
  const int height = static_cast<int>(tensor.shape[planes ? 1 : 0]);
  const int width = static_cast<int>(tensor.shape[planes ? 2 : 1]);
  cv::Mat image(height, width, CV_8UC3);
  const std::size_t plane = bytes.size() / 3;
  for (std::size_t i = 0; i < plane; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      image.data[3 * i + c] = planes ? bytes[(2 - c) * plane + i] : bytes[3 * i + c];
    }
  }
  return image;
}

inline std::vector<std::vector<float>> small_rows(const std::string& name) {
  const Tensor& tensor = small_tensors().at(name);
  const auto values = tensor.values<float>();
  const auto columns = static_cast<std::size_t>(tensor.shape[1]);
  std::vector<std::vector<float>> rows;
  for (std::size_t i = 0; i < static_cast<std::size_t>(tensor.shape[0]); ++i) {
    const auto* row = values.data() + i * columns;
    rows.emplace_back(row, row + columns);
  }
  return rows;
}

inline std::vector<Label> small_labels(const std::string& name) {
  std::vector<Label> labels;
  for (const auto& row : small_rows(name)) {
    labels.push_back({static_cast<int>(row[0]), row[1], row[2], row[3], row[4]});
  }
  return labels;
}

inline std::vector<PixelLabel> small_pixel_labels(const std::string& name) {
  std::vector<PixelLabel> labels;
  for (const auto& row : small_rows(name)) {
    labels.push_back({static_cast<int>(row[0]), {row[1], row[2], row[3], row[4]}});
  }
  return labels;
}

/// Value of the i-th recorded random draw.
inline double draw(const nlohmann::json& draws, std::size_t i) {
  return draws.at(i).at("value").get<double>();
}

/// Six draws in the order angle, scale, translation x and y, shear x and y.
inline AffineDraws affine_draws(const nlohmann::json& draws, std::size_t first) {
  return {draw(draws, first),     draw(draws, first + 1), draw(draws, first + 2),
          draw(draws, first + 3), draw(draws, first + 4), draw(draws, first + 5)};
}

/// Mean difference of at most 0.5 grey level and no pixel over `max_difference`.
inline void expect_close(const cv::Mat& actual, const cv::Mat& expected, const std::string& name,
                         double max_difference = 3) {
  ASSERT_EQ(actual.size(), expected.size()) << name;
  cv::Mat difference;
  cv::absdiff(actual.reshape(1), expected.reshape(1), difference);
  double highest = 0;
  cv::minMaxLoc(difference, nullptr, &highest);
  EXPECT_LE(cv::mean(difference)[0], 0.5) << name;
  EXPECT_LE(highest, max_difference) << name;
}

inline void expect_close(const std::vector<PixelLabel>& actual,
                         const std::vector<PixelLabel>& expected, double tolerance_px,
                         const std::string& name) {
  ASSERT_EQ(actual.size(), expected.size()) << name;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const Box& a = actual[i].box_px;
    const Box& b = expected[i].box_px;
    EXPECT_EQ(actual[i].class_id, expected[i].class_id) << name << " label " << i;
    EXPECT_NEAR(a.x1, b.x1, tolerance_px) << name << " label " << i;
    EXPECT_NEAR(a.y1, b.y1, tolerance_px) << name << " label " << i;
    EXPECT_NEAR(a.x2, b.x2, tolerance_px) << name << " label " << i;
    EXPECT_NEAR(a.y2, b.y2, tolerance_px) << name << " label " << i;
  }
}

/// Normalised labels against rows whose last five columns are class, cx, cy, w, h.
inline void expect_close(const std::vector<Label>& actual,
                         const std::vector<std::vector<float>>& rows, const std::string& name) {
  constexpr double kTolerance = 1e-5;
  ASSERT_EQ(actual.size(), rows.size()) << name;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const float* row = rows[i].data() + rows[i].size() - 5;
    EXPECT_EQ(actual[i].class_id, static_cast<int>(row[0])) << name << " label " << i;
    EXPECT_NEAR(actual[i].cx, row[1], kTolerance) << name << " label " << i;
    EXPECT_NEAR(actual[i].cy, row[2], kTolerance) << name << " label " << i;
    EXPECT_NEAR(actual[i].width, row[3], kTolerance) << name << " label " << i;
    EXPECT_NEAR(actual[i].height, row[4], kTolerance) << name << " label " << i;
  }
}

}  // namespace gannet::testing
