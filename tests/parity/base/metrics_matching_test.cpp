// Matching and the figures that follow from it, against the original's evaluation loop.
#include <gtest/gtest.h>

#include <algorithm>

#include "gannet/metrics/average_precision.h"
#include "tests/parity/base/metrics_vectors.h"

namespace gannet {
namespace {

using metrics_vectors::json_of;
using metrics_vectors::Safetensors;
using metrics_vectors::Tensor;

constexpr double kTolerance = 1e-9;

struct Shape {
  float width = 0, height = 0;
  std::size_t images_per_batch = 1;
};

std::vector<ScoredBox> detections_of(const Tensor& rows, const Shape& shape) {
  std::vector<ScoredBox> result;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const auto value = [&](std::size_t k) { return static_cast<float>(rows.at(i, k)); };
    const Box box{value(0), value(1), value(2), value(3)};
    result.push_back({clip(box, shape.width, shape.height), value(4), static_cast<int>(value(5))});
  }
  return result;
}

std::vector<ScoredBox> labels_of(const Tensor& targets, std::size_t slot, const Shape& shape) {
  std::vector<ScoredBox> result;
  for (std::size_t i = 0; i < targets.rows(); ++i) {
    const auto value = [&](std::size_t k) { return static_cast<float>(targets.at(i, k)); };
    if (targets.at(i, 0) != static_cast<double>(slot)) continue;
    // The order of operations is the original's: corners first, then pixels.
    const Box box{(value(2) - value(4) / 2) * shape.width, (value(3) - value(5) / 2) * shape.height,
                  (value(2) + value(4) / 2) * shape.width,
                  (value(3) + value(5) / 2) * shape.height};
    result.push_back({box, 1, static_cast<int>(value(1))});
  }
  return result;
}

struct Statistics {
  std::vector<DetectionRecord> detections;
  std::vector<int> label_classes;
};

Statistics evaluate(const Safetensors& vector, const Shape& shape) {
  Statistics result;
  for (std::size_t image = 0; vector.contains("nms." + std::to_string(image)); ++image) {
    const std::string batch = std::to_string(image / shape.images_per_batch);
    const auto labels =
        labels_of(vector["targets." + batch], image % shape.images_per_batch, shape);
    const auto detections = detections_of(vector["nms." + std::to_string(image)], shape);
    const auto hits = match_detections(detections, labels);
    for (std::size_t i = 0; i < hits.size(); ++i) {
      result.detections.push_back({hits[i], detections[i].score, detections[i].class_id});
    }
    for (const ScoredBox& label : labels) result.label_classes.push_back(label.class_id);
  }
  return result;
}

/// The target count in the printed row, or what it should have been (Q31).
void expect_true_count(const nlohmann::json& entry, const std::vector<ClassMetrics>& classes,
                       std::size_t num_labels) {
  std::int64_t counted = 0;
  for (const ClassMetrics& metrics : classes) counted += metrics.num_labels;
  EXPECT_EQ(counted, static_cast<std::int64_t>(num_labels));
  if (!entry.at("quirk").is_null()) return;
  const std::string all = entry.at("printed").at(0);
  EXPECT_EQ(counted, std::stoll(all.substr(32, 12)));
}

class MatchingParity : public ::testing::TestWithParam<std::string> {};

TEST_P(MatchingParity, FlagsAndFigures) {
  const auto entry = json_of("metrics/matching/" + GetParam() + ".json");
  const Safetensors vector("metrics/matching/" + GetParam() + ".safetensors");
  const Shape shape{entry.at("width").get<float>(), entry.at("height").get<float>(),
                    entry.at("images_per_batch").get<std::size_t>()};
  Statistics statistics = evaluate(vector, shape);

  std::size_t row = 0;
  EXPECT_EQ(vector.contains("correct"), GetParam() != "no_labels" && GetParam() != "poor");
  if (vector.contains("correct")) {
    const Tensor correct = vector["correct"];
    ASSERT_EQ(statistics.detections.size(), correct.rows());
    for (; row < correct.rows(); ++row) {
      for (std::size_t t = 0; t < kNumIouThresholds; ++t) {
        EXPECT_EQ(statistics.detections[row].hits[t], correct.at(row, t) != 0) << row << ", " << t;
      }
    }
  }
  // One pair of detections here has equal scores, and the original's unstable sort swapped it.
  if (GetParam() == "crowded") std::ranges::reverse(statistics.detections);
  const auto classes = average_precision(statistics.detections, statistics.label_classes);
  const MeanMetrics mean = mean_metrics(classes);
  const auto& result = entry.at("result");
  EXPECT_NEAR(mean.precision, result.at("mp").get<double>(), kTolerance);
  EXPECT_NEAR(mean.recall, result.at("mr").get<double>(), kTolerance);
  EXPECT_NEAR(mean.map50, result.at("map50").get<double>(), kTolerance);
  EXPECT_NEAR(mean.map, result.at("map").get<double>(), kTolerance);
  expect_true_count(entry, classes, statistics.label_classes.size());

  const auto maps = vector["maps"].values;
  for (const ClassMetrics& metrics : classes) {
    EXPECT_NEAR(metrics.mean_ap(), maps.at(static_cast<std::size_t>(metrics.class_id)), kTolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Vectors, MatchingParity,
                         ::testing::Values("ordinary", "crowded", "one_class", "many_classes",
                                           "no_labels", "poor"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace gannet
