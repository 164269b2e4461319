// Matching, figures and the confusion matrix of release 7.0, against its evaluation loop.
#include <gtest/gtest.h>

#include <algorithm>

#include "gannet/metrics/average_precision.h"
#include "gannet/metrics/confusion_matrix.h"
#include "tests/parity/base/metrics_vectors.h"

namespace gannet {
namespace {

using metrics_vectors::json_of;
using metrics_vectors::Safetensors;
using metrics_vectors::Tensor;

constexpr double kTolerance = 1e-9;

void expect_counts(const ConfusionMatrix& matrix, const std::vector<double>& wanted) {
  ASSERT_EQ(matrix.counts().size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_EQ(static_cast<double>(matrix.counts()[i]), wanted[i]) << "cell " << i;
}

/// The record of a picture: [[height, width], [[gain, gain], [pad_w, pad_h]]].
LetterboxRecord letterbox_of(const nlohmann::json& shape) {
  LetterboxRecord record;
  record.original_height = shape.at(0).at(0);
  record.original_width = shape.at(0).at(1);
  record.gain_h = shape.at(1).at(0).at(0);
  record.gain_w = shape.at(1).at(0).at(1);
  record.pad_w = shape.at(1).at(1).at(0);
  record.pad_h = shape.at(1).at(1).at(1);
  return record;
}

struct Image {
  std::vector<ScoredBox> detections, labels;
};

/// Detections and labels in pixels of the original, as 7.0 compares them.
Image image_of(const Tensor& rows, const Tensor& targets, std::size_t slot,
               const nlohmann::json& entry, const LetterboxRecord& record) {
  Image image;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const auto value = [&](std::size_t k) { return static_cast<float>(rows.at(i, k)); };
    image.detections.push_back({to_original({value(0), value(1), value(2), value(3)}, record),
                                value(4), static_cast<int>(value(5))});
  }
  const auto width = entry.at("width").get<float>(), height = entry.at("height").get<float>();
  for (std::size_t i = 0; i < targets.rows(); ++i) {
    if (targets.at(i, 0) != static_cast<double>(slot)) continue;
    const auto value = [&](std::size_t k) { return static_cast<float>(targets.at(i, k)); };
    const float cx = value(2) * width, cy = value(3) * height;
    const float w = value(4) * width, h = value(5) * height;
    image.labels.push_back({to_original({cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2}, record),
                            1, static_cast<int>(value(1))});
  }
  return image;
}

std::vector<Image> images_of(const Safetensors& vector, const std::string& inputs,
                             bool single_class) {
  const auto entry = json_of(inputs + ".json");
  const Safetensors input(inputs + ".safetensors");
  const auto per_batch = entry.at("images_per_batch").get<std::size_t>();
  std::vector<Image> images;
  for (std::size_t i = 0; vector.contains("nms." + std::to_string(i)); ++i) {
    const std::size_t batch = i / per_batch, slot = i % per_batch;
    const auto record = letterbox_of(entry.at("shapes").at(batch).at(slot));
    images.push_back(image_of(vector["nms." + std::to_string(i)],
                              input["targets." + std::to_string(batch)], slot, entry, record));
    for (ScoredBox& label : images.back().labels) label.class_id *= single_class ? 0 : 1;
  }
  return images;
}

class Release7Matching : public ::testing::TestWithParam<std::string> {};

TEST_P(Release7Matching, FlagsMatrixAndFigures) {
  const auto entry = json_of("release7/matching/" + GetParam() + ".json");
  const Safetensors vector("release7/matching/" + GetParam() + ".safetensors");
  const auto images =
      images_of(vector, entry.at("inputs").get<std::string>(), entry.at("single_cls").get<bool>());
  ASSERT_FALSE(images.empty());
  ConfusionMatrix matrix(entry.at("nc").get<int>(), {.original = true});
  std::vector<DetectionRecord> records;
  std::vector<int> label_classes;
  for (const Image& image : images) {
    const auto hits = match_detections(image.detections, image.labels, MetricProtocol::kV7);
    for (std::size_t i = 0; i < hits.size(); ++i)
      records.push_back({hits[i], image.detections[i].score, image.detections[i].class_id});
    for (const ScoredBox& label : image.labels) label_classes.push_back(label.class_id);
    matrix.add(image.detections, image.labels);
  }
  if (vector.contains("correct")) {
    const Tensor correct = vector["correct"];
    ASSERT_EQ(records.size(), correct.rows());
    for (std::size_t i = 0; i < records.size(); ++i)
      for (std::size_t t = 0; t < kNumIouThresholds; ++t)
        EXPECT_EQ(records[i].hits[t], correct.at(i, t) != 0) << i << ", " << t;
  }
  expect_counts(matrix, vector["confusion_matrix"].values);

  // Two detections of these pictures have equal scores, and the original's unstable sort swapped
  // them.
  if (GetParam() == "crowded" || GetParam() == "max_det_5") std::ranges::reverse(records);
  const auto classes = average_precision(records, label_classes, {.protocol = MetricProtocol::kV7});
  const MeanMetrics mean = mean_metrics(classes);
  const auto& result = entry.at("result");
  EXPECT_NEAR(mean.precision, result.at("mp").get<double>(), kTolerance);
  EXPECT_NEAR(mean.recall, result.at("mr").get<double>(), kTolerance);
  EXPECT_NEAR(mean.map50, result.at("map50").get<double>(), kTolerance);
  EXPECT_NEAR(mean.map, result.at("map").get<double>(), kTolerance);
  const auto maps = vector["maps"].values;
  for (const ClassMetrics& metrics : classes)
    EXPECT_NEAR(metrics.mean_ap(), maps.at(static_cast<std::size_t>(metrics.class_id)), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Vectors, Release7Matching,
                         ::testing::Values("ordinary", "crowded", "one_class", "many_classes",
                                           "no_labels", "poor", "single_cls", "max_det_5"),
                         [](const auto& test) { return test.param; });

std::vector<ScoredBox> boxes_of(const nlohmann::json& rows, bool labels) {
  std::vector<ScoredBox> boxes;
  for (const auto& row : rows) {
    const auto v = row.get<std::vector<float>>();
    if (labels) boxes.push_back({{v[1], v[2], v[3], v[4]}, 1, static_cast<int>(v[0])});
    if (!labels) boxes.push_back({{v[0], v[1], v[2], v[3]}, v[4], static_cast<int>(v[5])});
  }
  return boxes;
}

TEST(Release7MatchingByHand, FlagsAndMatrix) {
  constexpr int kNumClasses = 3;
  const auto by_hand = json_of("release7/matching/by_hand.json");
  for (const auto& situation : by_hand.at("situations")) {
    SCOPED_TRACE(situation.at("name").get<std::string>());
    std::vector<ScoredBox> detections, labels;
    if (situation.contains("detections")) {
      detections = boxes_of(situation.at("detections"), false);
      labels = boxes_of(situation.at("labels"), true);
      const auto hits = match_detections(detections, labels, MetricProtocol::kV7);
      const auto correct = situation.at("correct").get<std::vector<std::vector<int>>>();
      ASSERT_EQ(hits.size(), correct.size());
      for (std::size_t i = 0; i < hits.size(); ++i)
        for (std::size_t t = 0; t < kNumIouThresholds; ++t)
          EXPECT_EQ(hits[i][t], correct[i][t] != 0) << i << ", " << t;
    } else {
      for (const int id : situation.at("labels")) labels.push_back({{0, 0, 10, 10}, 1, id});
    }
    ConfusionMatrix matrix(kNumClasses, {.original = true});
    matrix.add(detections, labels);
    std::vector<double> wanted;
    for (const auto& row : situation.at("confusion"))
      for (const double count : row) wanted.push_back(count);
    expect_counts(matrix, wanted);
  }
}

}  // namespace
}  // namespace gannet
