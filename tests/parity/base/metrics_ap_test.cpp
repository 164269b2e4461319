// Average precision against ap_per_class and compute_ap of the original, July 2020 and 7.0.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "gannet/metrics/average_precision.h"
#include "tests/parity/base/metrics_vectors.h"

namespace gannet {
namespace {

using metrics_vectors::json_of;
using metrics_vectors::Safetensors;
using metrics_vectors::Tensor;

constexpr double kTolerance = 1e-9;

struct Case {
  std::vector<DetectionRecord> detections;
  std::vector<int> label_classes;
  std::size_t thresholds = 0;
};

Case read_case(const Safetensors& vector) {
  Case result;
  const Tensor hits = vector["tp"], scores = vector["conf"], classes = vector["pred_cls"];
  result.thresholds = hits.shape[1];
  for (std::size_t i = 0; i < hits.rows(); ++i) {
    DetectionRecord record;
    for (std::size_t t = 0; t < result.thresholds; ++t) record.hits[t] = hits.at(i, t) != 0;
    record.score = static_cast<float>(scores.values[i]);
    record.class_id = static_cast<int>(classes.values[i]);
    result.detections.push_back(record);
  }
  for (const double value : vector["target_cls"].values) {
    result.label_classes.push_back(static_cast<int>(value));
  }
  return result;
}

TEST(AveragePrecisionParity, PerClassFigures) {
  const auto index = json_of("metrics/ap/index.json");
  ASSERT_FALSE(index.at("cases").empty());
  for (const auto& entry : index.at("cases")) {
    const std::string name = entry.at("file");
    SCOPED_TRACE(name);
    const Safetensors vector("metrics/ap/" + name + ".safetensors");
    const Case input = read_case(vector);
    const auto classes = average_precision(input.detections, input.label_classes);
    const Tensor ids = vector["classes"], p = vector["p"], r = vector["r"], f1 = vector["f1"];
    const Tensor ap = vector["ap"];
    ASSERT_EQ(classes.size(), ids.rows());
    for (std::size_t c = 0; c < classes.size(); ++c) {
      EXPECT_EQ(classes[c].class_id, static_cast<int>(ids.values[c]));
      EXPECT_NEAR(classes[c].precision, p.at(c, 0), kTolerance);
      EXPECT_NEAR(classes[c].recall, r.at(c, 0), kTolerance);
      EXPECT_NEAR(classes[c].f1, f1.at(c, 0), kTolerance);
      for (std::size_t t = 0; t < input.thresholds; ++t) {
        EXPECT_NEAR(classes[c].ap[t], ap.at(c, t), kTolerance) << "threshold " << t;
      }
    }
  }
}

TEST(AveragePrecisionParity, Curves) {
  const auto index = json_of("metrics/ap/index.json");
  ASSERT_FALSE(index.at("curves").empty());
  for (const auto& entry : index.at("curves")) {
    const auto recall = entry.at("recall").get<std::vector<double>>();
    const auto precision = entry.at("precision").get<std::vector<double>>();
    EXPECT_NEAR(average_precision_of_curve(recall, precision), entry.at("ap").get<double>(),
                kTolerance);
  }
}

TEST(AveragePrecisionParity, Fitness) {
  const auto index = json_of("metrics/ap/index.json");
  ASSERT_FALSE(index.at("fitness").empty());
  for (const auto& entry : index.at("fitness")) {
    const auto row = entry.at("row").get<std::vector<double>>();
    EXPECT_NEAR(fitness({row[0], row[1], row[2], row[3]}), entry.at("fitness").get<double>(),
                kTolerance);
  }
}

// Stored are every tenth point, and the mean of F1 whole.
void expect_curves(const Safetensors& vector, const std::vector<ClassMetrics>& classes) {
  const Tensor p = vector["curve/precision"], r = vector["curve/recall"], f1 = vector["curve/f1"];
  ASSERT_EQ(classes.size(), f1.rows());
  for (std::size_t c = 0; c < classes.size(); ++c) {
    for (std::size_t k = 0; k < f1.shape[1]; ++k) {
      EXPECT_NEAR(classes[c].curves.precision.at(10 * k), p.at(c, k), kTolerance);
      EXPECT_NEAR(classes[c].curves.recall.at(10 * k), r.at(c, k), kTolerance);
      EXPECT_NEAR(classes[c].curves.f1.at(10 * k), f1.at(c, k), kTolerance);
    }
  }
  const auto mean = mean_curves(classes).f1, smoothed = smooth(mean, 0.1);
  const Tensor wanted_mean = vector["curve/f1_mean"], wanted_smooth = vector["curve/f1_smoothed"];
  ASSERT_EQ(mean.size(), wanted_mean.values.size());
  ASSERT_EQ(smoothed.size(), wanted_smooth.values.size());
  for (std::size_t i = 0; i < mean.size(); ++i) {
    EXPECT_NEAR(mean[i], wanted_mean.values[i], kTolerance);
    EXPECT_NEAR(smoothed[i], wanted_smooth.values[i], kTolerance);
  }
}

// Stored is a column for each class that has detections.
void expect_precision_over_recall(const Safetensors& vector, const Case& input,
                                  const std::vector<ClassMetrics>& classes) {
  if (!vector.contains("curve/pr")) return;
  const Tensor pr = vector["curve/pr"];
  std::size_t column = 0;
  for (const ClassMetrics& metrics : classes) {
    const auto is_of_class = [&](const auto& d) { return d.class_id == metrics.class_id; };
    if (std::ranges::none_of(input.detections, is_of_class)) continue;
    for (std::size_t k = 0; k < pr.rows(); ++k) {
      EXPECT_NEAR(metrics.curves.precision_at_recall.at(10 * k), pr.at(k, column), kTolerance);
    }
    ++column;
  }
  if (pr.shape.size() == 2) {
    EXPECT_EQ(column, pr.shape[1]);
  }
}

TEST(AveragePrecisionParity, PerClassFiguresOfRelease7) {
  const auto index = json_of("release7/ap/index.json");
  ASSERT_FALSE(index.at("cases").empty());
  for (const auto& entry : index.at("cases")) {
    const std::string name = entry.at("file");
    SCOPED_TRACE(name);
    const Safetensors vector("release7/ap/" + name + ".safetensors");
    const Case input = read_case(vector);
    const auto classes = average_precision(input.detections, input.label_classes,
                                           {.protocol = MetricProtocol::kV7, .keep_curves = true});
    const Tensor ids = vector["out/classes"], p = vector["out/p"], r = vector["out/r"],
                 f1 = vector["out/f1"], tp = vector["out/tp"], fp = vector["out/fp"],
                 ap = vector["out/ap"];
    ASSERT_EQ(classes.size(), ids.rows());
    const auto best = entry.at("index_of_best_f1").get<std::size_t>();
    for (std::size_t c = 0; c < classes.size(); ++c) {
      EXPECT_EQ(classes[c].class_id, static_cast<int>(ids.values[c]));
      EXPECT_EQ(classes[c].best_f1.confidence, curve_position(best));
      EXPECT_NEAR(classes[c].precision, p.values[c], kTolerance);
      EXPECT_NEAR(classes[c].recall, r.values[c], kTolerance);
      EXPECT_NEAR(classes[c].f1, f1.values[c], kTolerance);
      const auto num_labels = static_cast<double>(classes[c].num_labels);
      const double right = std::nearbyint(classes[c].recall * num_labels);
      EXPECT_EQ(right, tp.values[c]);
      EXPECT_EQ(std::nearbyint(right / (classes[c].precision + 1e-16) - right), fp.values[c]);
      for (std::size_t t = 0; t < input.thresholds; ++t)
        EXPECT_NEAR(classes[c].ap[t], ap.at(c, t), kTolerance) << "threshold " << t;
    }
    const MeanMetrics mean = mean_metrics(classes);
    if (input.thresholds == kNumIouThresholds) {
      EXPECT_NEAR(mean.map50, entry.at("map50").get<double>(), kTolerance);
      EXPECT_NEAR(mean.map, entry.at("map").get<double>(), kTolerance);
    }
    expect_curves(vector, classes);
    expect_precision_over_recall(vector, input, classes);
  }
}

TEST(AveragePrecisionParity, JulysRuleOnTheSameInput) {
  const auto index = json_of("release7/ap/index.json");
  for (const auto& entry : index.at("cases")) {
    const std::string name = entry.at("file");
    SCOPED_TRACE(name);
    const Safetensors vector("release7/ap/" + name + ".safetensors");
    const Case input = read_case(vector);
    const auto classes = average_precision(input.detections, input.label_classes);
    const Tensor ap = vector["july2020_ap"];
    ASSERT_EQ(classes.size(), ap.rows());
    for (std::size_t c = 0; c < classes.size(); ++c)
      for (std::size_t t = 0; t < input.thresholds; ++t)
        EXPECT_NEAR(classes[c].ap[t], ap.at(c, t), kTolerance);
  }
}

TEST(AveragePrecisionParity, CurvesAndSmoothingOfRelease7) {
  const auto index = json_of("release7/ap/index.json");
  ASSERT_FALSE(index.at("curves").empty());
  for (const auto& entry : index.at("curves")) {
    const auto recall = entry.at("recall").get<std::vector<double>>();
    const auto precision = entry.at("precision").get<std::vector<double>>();
    EXPECT_NEAR(average_precision_of_curve(recall, precision, MetricProtocol::kV7),
                entry.at("ap").get<double>(), kTolerance);
  }
  ASSERT_FALSE(index.at("smooth").empty());
  for (const auto& entry : index.at("smooth")) {
    const auto result =
        smooth(entry.at("y").get<std::vector<double>>(), entry.at("f").get<double>());
    const auto wanted = entry.at("smoothed").get<std::vector<double>>();
    ASSERT_EQ(result.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(result[i], wanted[i], kTolerance);
  }
}

}  // namespace
}  // namespace gannet
