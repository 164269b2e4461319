// Average precision against the original's ap_per_class and compute_ap.
#include <gtest/gtest.h>

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
  const auto index = json_of("ap/index.json");
  ASSERT_FALSE(index.at("cases").empty());
  for (const auto& entry : index.at("cases")) {
    const std::string name = entry.at("file");
    SCOPED_TRACE(name);
    const Safetensors vector("ap/" + name + ".safetensors");
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
  const auto index = json_of("ap/index.json");
  ASSERT_FALSE(index.at("curves").empty());
  for (const auto& entry : index.at("curves")) {
    const auto recall = entry.at("recall").get<std::vector<double>>();
    const auto precision = entry.at("precision").get<std::vector<double>>();
    EXPECT_NEAR(average_precision_of_curve(recall, precision), entry.at("ap").get<double>(),
                kTolerance);
  }
}

TEST(AveragePrecisionParity, Fitness) {
  const auto index = json_of("ap/index.json");
  ASSERT_FALSE(index.at("fitness").empty());
  for (const auto& entry : index.at("fitness")) {
    const auto row = entry.at("row").get<std::vector<double>>();
    EXPECT_NEAR(fitness({row[0], row[1], row[2], row[3]}), entry.at("fitness").get<double>(),
                kTolerance);
  }
}

}  // namespace
}  // namespace gannet
