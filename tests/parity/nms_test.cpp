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

TEST(NmsVectors, BoxConversions) {
  const golden::Vector vector("nms/boxes");
  const auto corners = cxcywh_to_xyxy(vector["cxcywh"]);
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
