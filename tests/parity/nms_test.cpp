// Non-maximum suppression and coordinate conversions.
#include "gannet/ops/nms.h"

#include "gannet/ops/boxes.h"
#include "gannet/predict/predictor.h"
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
    // 7.0 keeps nothing with an empty list of classes, which is no filter here; the other is below.
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

// With more candidates than 30,000 the least sure are cut before anything is suppressed.
TEST(NmsVectors, CandidatesOfRelease7AreLimited) {
  const auto index = golden::json("release7/nms/index.json");
  const auto found = std::find_if(index["cases"].begin(), index["cases"].end(),
                                  [](const auto& entry) { return entry["file"].is_null(); });
  ASSERT_NE(found, index["cases"].end());
  auto rows = golden::uniform_by_rule("suppression", {1, 450, 85});
  rows.slice(2, 0, 2).mul_(640);
  rows.slice(2, 2, 4).mul_(30).add_(5);
  rows.slice(2, 4, 5).mul_(0.5).add_(0.5);
  NmsOptions options{.class_shift_px = kClassShiftRelease7};
  options.conf_threshold = (*found)["settings"]["conf_thres"];
  options.iou_threshold = (*found)["settings"]["iou_thres"];
  options.max_detections = (*found)["settings"]["max_det"];
  const auto boxes = non_max_suppression(rows.to(torch::kFloat32), options).front();
  EXPECT_EQ(boxes.size(), (*found)["rows"][0].get<std::size_t>());
  double sum = 0;
  for (const ScoredBox& box : boxes) sum += static_cast<double>(box.score);
  EXPECT_NEAR(boxes.back().score, (*found)["lowest_score"].get<double>(), 1e-6);
  EXPECT_NEAR(sum, (*found)["score_sum"].get<double>(), 0.01);
}

// Labels among the predictions, as --save-hybrid has them.
TEST(NmsVectors, LabelsJoinPredictionsOfRelease7) {
  const auto index = golden::json("release7/nms/index.json");
  const auto found = std::find_if(index["cases"].begin(), index["cases"].end(),
                                  [](const auto& entry) { return entry["file"] == "hybrid"; });
  ASSERT_NE(found, index["cases"].end());
  const golden::Vector input((*found)["input"].get<std::string>()), expected("release7/nms/hybrid");
  const auto& settings = (*found)["settings"];
  Batch batch;
  batch.width = batch.height = 1;  // the labels are in pixels already
  for (const auto& image : settings["labels"]) {
    for (const auto& label : image)
      batch.targets.push_back(
          {static_cast<float>(batch.images), label[0], label[1], label[2], label[3], label[4]});
    ++batch.images;
  }
  NmsOptions options{.class_shift_px = kClassShiftRelease7};
  options.conf_threshold = settings["conf_thres"];
  options.iou_threshold = settings["iou_thres"];
  const auto results = non_max_suppression(with_labels(input["prediction"], batch), options);
  ASSERT_EQ(results.size(), 2u);
  for (std::size_t image = 0; image < results.size(); ++image) {
    const auto wanted = expected["output." + std::to_string(image)];
    ASSERT_EQ(static_cast<std::int64_t>(results[image].size()), wanted.size(0));
    EXPECT_TRUE(golden::near_by_columns(to_rows(results[image]), wanted, {4, 1, 1}, 1e-5));
  }
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
