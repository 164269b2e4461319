// COCO's evaluation against the official evaluator on two data sets with crowd regions.
#include <gtest/gtest.h>

#include "gannet/data/labels/coco_detections.h"
#include "gannet/data/labels/coco_truth.h"
#include "gannet/metrics/coco_eval.h"
#include "tests/parity/base/metrics_vectors.h"

namespace gannet {
namespace {

using metrics_vectors::bytes_of;
using metrics_vectors::json_of;
using metrics_vectors::Safetensors;
using metrics_vectors::Tensor;

constexpr double kTolerance = 1e-9;

class CocoParity : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const std::string name = "coco/" + GetParam();
    truth_ = coco_truth(parse_coco(bytes_of(name + ".truth.json"), "truth.json"));
    detections_ = parse_coco_detections(bytes_of(name + ".detections.json"), "detections.json");
    require_known_images(detections_, truth_, "detections.json");
    report_ = evaluate_coco(truth_.objects, detections_, truth_.category_ids, 2);
  }
  Safetensors vector() const { return Safetensors("coco/" + GetParam() + ".safetensors"); }

  CocoTruthSet truth_;
  std::vector<CocoDetection> detections_;
  CocoReport report_;
};

TEST_P(CocoParity, TwelveNumbers) {
  const auto entry = json_of("coco/" + GetParam() + ".json");
  EXPECT_EQ(detections_.size(), entry.at("detections").get<std::size_t>());
  for (std::size_t n = 0; n < kNumCocoNumbers; ++n) {
    EXPECT_NEAR(report_.numbers[n], entry.at("stats").at(n).get<double>(), kTolerance) << n;
    EXPECT_EQ(summary_lines(report_).at(n), " " + entry.at("printed").at(n).get<std::string>());
  }
}

TEST_P(CocoParity, AveragePrecisionPerClass) {
  const Tensor ids = vector()["category_ids"], ap = vector()["ap_per_class"],
               ap50 = vector()["ap50_per_class"];
  ASSERT_EQ(report_.classes.size(), ids.rows());
  for (std::size_t c = 0; c < ids.rows(); ++c) {
    EXPECT_EQ(report_.classes[c].category_id, static_cast<std::int64_t>(ids.values[c]));
    EXPECT_NEAR(report_.classes[c].mean_ap(), ap.values[c], kTolerance);
    EXPECT_NEAR(report_.classes[c].of(CocoArea::kAll).ap[0], ap50.values[c], kTolerance);
  }
}

TEST_P(CocoParity, PrecisionOverRecall) {
  for (const auto& [name, t] :
       {std::pair("precision_iou50_all_100", 0), std::pair("precision_iou75_all_100", 5)}) {
    const Tensor wanted = vector()[name];
    for (std::size_t r = 0; r < kNumRecalls; ++r)
      for (std::size_t c = 0; c < report_.classes.size(); ++c)
        EXPECT_NEAR(report_.classes[c].precision[static_cast<std::size_t>(t)][r], wanted.at(r, c),
                    kTolerance);
  }
}

// Axes [thresholds, classes, areas, limits].
TEST_P(CocoParity, EveryAreaAndLimit) {
  const Tensor recall = vector()["recall"], precision = vector()["precision_mean_over_recall"];
  std::size_t i = 0;
  for (std::size_t t = 0; t < kNumIouThresholds; ++t)
    for (const CocoClass& c : report_.classes)
      for (std::size_t area = 0; area < kNumCocoAreas; ++area)
        for (std::size_t limit = 0; limit < kCocoLimits.size(); ++limit, ++i) {
          const CocoFigures& figures = c.figures[area][limit];
          EXPECT_NEAR(figures.recall[t], recall.values.at(i), kTolerance) << i;
          EXPECT_NEAR(figures.ap[t], precision.values.at(i), kTolerance) << i;
        }
  EXPECT_EQ(i, recall.values.size());
}

INSTANTIATE_TEST_SUITE_P(Vectors, CocoParity, ::testing::Values("bccd", "coco128"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace gannet
