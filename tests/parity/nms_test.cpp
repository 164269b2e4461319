// Non-maximum suppression and coordinate conversions.
#include "gannet/ops/nms.h"

#include "gannet/ops/boxes.h"
#include "tests/parity/golden.h"

namespace gannet {
namespace {

torch::Tensor to_rows(const std::vector<ScoredBox>& boxes) {
  auto rows = torch::empty({static_cast<std::int64_t>(boxes.size()), 6});
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const ScoredBox& b = boxes[i];
    rows[static_cast<std::int64_t>(i)] = torch::tensor(
        {b.box.x1, b.box.y1, b.box.x2, b.box.y2, b.score, static_cast<float>(b.class_id)});
  }
  return rows;
}

TEST(NmsVectors, EveryCase) {
  int cases = 0;
  const auto index = golden::json("nms/index.json");
  for (const auto& entry : index["cases"]) {
    const std::string name = entry["file"];
    SCOPED_TRACE(name);
    const golden::Vector vector("nms/" + name);
    const auto& settings = entry["settings"];
    NmsOptions options;
    options.conf_threshold = settings["conf_thres"];
    options.iou_threshold = settings["iou_thres"];
    options.merge = settings["merge"];
    options.agnostic = settings["agnostic"];
    if (!settings["classes"].is_null())
      options.classes = settings["classes"].get<std::vector<int>>();
    const auto results = non_max_suppression(vector["prediction"], options);
    for (std::size_t image = 0; image < results.size(); ++image)
      EXPECT_TRUE(golden::near_by_columns(
          to_rows(results[image]), vector["output." + std::to_string(image)], {4, 1, 1}, 1e-5))
          << "image " << image;
    ++cases;
  }
  EXPECT_GT(cases, 15);
}

// Of release 7.0, mostly on the predictions of July 2020's cases.
TEST(NmsVectors, EveryCaseOfRelease7) {
  int compared = 0;
  const auto index = golden::json("release7/nms/index.json");
  for (const auto& entry : index["cases"]) {
    if (entry["file"].is_null()) continue;  // made by a rule: the limit of 30,000 candidates
    const std::string name = entry["file"];
    SCOPED_TRACE(name);
    // 7.0 keeps nothing with an empty list of classes, which is no filter here; labels among the
    // predictions are the predictor's work.
    if (name == "classes_empty" || name == "hybrid") continue;
    const auto& settings = entry["settings"];
    NmsOptions options{.class_shift_px = kClassShiftRelease7};
    options.conf_threshold = settings["conf_thres"];
    options.iou_threshold = settings["iou_thres"];
    options.agnostic = settings.value("agnostic", false);
    options.best_class = !settings.value("multi_label", false);
    options.max_detections = settings.value("max_det", 300);
    if (settings.contains("classes") && settings["classes"].is_array())
      options.classes = settings["classes"].get<std::vector<int>>();
    const golden::Vector input(entry["input"].get<std::string>()), expected("release7/nms/" + name);
    auto prediction = input["prediction"];
    // 7.0 rounds to half precision in between; boxes here are float32 from there on.
    const bool half = name == "half_input";
    if (half) prediction = prediction.to(torch::kFloat16);
    const auto results = non_max_suppression(prediction, options);
    for (std::size_t image = 0; image < results.size(); ++image) {
      const std::string key = "output." + std::to_string(image);
      if (!expected.has(key)) continue;  // half_input: the first image only
      EXPECT_EQ(static_cast<std::int64_t>(results[image].size()), expected[key].size(0));
      EXPECT_TRUE(golden::near_by_columns(to_rows(results[image]), expected[key], {4, 1, 1},
                                          half ? 1e-3 : 1e-5))
          << "image " << image;
      ++compared;
    }
  }
  EXPECT_GE(compared, 20);
}

// The surest candidates are looked at, and no others.
TEST(Nms, LooksAtALimitedNumberOfCandidates) {
  auto rows = torch::zeros({1, 6, 6});
  for (int i = 0; i < 6; ++i) {
    rows[0][i][0] = 100.0 * i;  // far from each other
    rows[0][i].slice(0, 2, 4).fill_(10);
    rows[0][i][4] = 0.5 + 0.05 * i;
    rows[0][i][5] = 1;
  }
  EXPECT_EQ(non_max_suppression(rows, {}).front().size(), 6u);
  const auto limited = non_max_suppression(rows, {.max_candidates = 2}).front();
  ASSERT_EQ(limited.size(), 2u);
  EXPECT_FLOAT_EQ(limited[1].score, 0.7F);
}

TEST(NmsVectors, BoxConversions) {
  const golden::Vector vector("nms/boxes");
  const auto corners = cxcywh_to_xyxy(vector["cxcywh"]).to(torch::kCPU);
  EXPECT_TRUE(golden::near(corners, vector["xywh2xyxy"], 1e-5));
  EXPECT_TRUE(golden::near(xyxy_to_cxcywh(corners), vector["xyxy2xywh_of_that"], 1e-5));
  const std::pair<const char*, LetterboxRecord> records[] = {
      {"scale_coords.0", {720, 1280, 0.5, 0.5, 0, 12}},
      {"scale_coords.1", {427, 640, 1, 1, 0, 106.5}},
      {"scale_coords.2", {375, 500, 1.28, 1.28, 16, -16}},
      {"scale_coords.3", {1080, 810, 320.0 / 1080, 320.0 / 1080, 40, 0}}};
  const auto access = corners.accessor<float, 2>();
  for (const auto& [name, record] : records) {
    auto moved = torch::empty_like(corners);
    for (std::int64_t i = 0; i < corners.size(0); ++i) {
      const Box b = to_original({access[i][0], access[i][1], access[i][2], access[i][3]}, record);
      moved[i] = torch::tensor({b.x1, b.y1, b.x2, b.y2});
    }
    EXPECT_TRUE(golden::near(moved, vector[name], 1e-5)) << name;
  }
}

}  // namespace
}  // namespace gannet
