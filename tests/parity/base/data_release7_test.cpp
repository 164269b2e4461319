// Release 7.0's presets, warps and anchor checks.
#include <gtest/gtest.h>

#include "gannet/config/settings.h"
#include "gannet/data/augment/affine.h"
#include "gannet/data/index/anchors.h"
#include "tests/parity/base/data_vectors.h"

namespace gannet::testing {
namespace {

TEST(Release7Presets, AreShippedAsTheyAre) {
  const nlohmann::json presets = read_json("release7/presets");
  for (const auto& [name, values] : presets.items()) {
    SCOPED_TRACE(name);
    Settings settings;
    overlay_hyperparameters(settings, find_config("hyp." + name));
    Settings expected;
    for (const auto& [key, value] : values.items())
      if (key != "iou_t" && key != "anchors")
        assign_setting(expected, key == "box" ? "giou" : key, value.dump());
    EXPECT_EQ(hyperparameters_to_yaml(settings.hyp), hyperparameters_to_yaml(expected.hyp));
  }
}

TEST(Release7Presets, TheRecipeHoldsTheLowOne) {
  Settings recipe;
  apply_recipe(recipe, "v7");
  Settings with_preset = recipe;
  overlay_hyperparameters(with_preset, find_config("hyp.scratch-low"));
  EXPECT_EQ(hyperparameters_to_yaml(recipe.hyp), hyperparameters_to_yaml(with_preset.hyp));
}

TEST(Release7Geometry, MatricesAndKeptBoxes) {
  int compared = 0;
  const nlohmann::json vectors = read_json("release7/geometry");
  for (const auto& one : vectors.at("warp").at("cases")) {
    SCOPED_TRACE(one.at("draws").dump());
    const auto draw = one.at("draws").get<std::vector<double>>();
    const AffineDraws draws{.degrees = draw[2],
                            .scale = draw[3],
                            .translate_x = draw[6] - 0.5,
                            .translate_y = draw[7] - 0.5,
                            .shear_x = draw[4],
                            .shear_y = draw[5]};
    const cv::Size input(one.at("width").get<int>(), one.at("height").get<int>()),
        output(one.at("size_wh")[0].get<int>(), one.at("size_wh")[1].get<int>());
    const PlaneMatrix matrix = release7_matrix(draws, {draw[0], draw[1]}, input, output);
    const nlohmann::json& rows = one.at("matrix");
    for (std::size_t i = 0; i < 3 * rows.size(); ++i)
      EXPECT_NEAR(matrix[i], rows[i / 3][i % 3].get<double>(), 1e-9) << i;
    if (!one.at("segments").empty()) continue;
    std::vector<PixelLabel> labels;
    for (const auto& row : one.at("targets"))
      labels.push_back(
          {row[0].get<int>(),
           {row[1].get<float>(), row[2].get<float>(), row[3].get<float>(), row[4].get<float>()}});
    const auto kept = warp_labels(labels, {.matrix = matrix,
                                           .output = output,
                                           .scale = draws.scale * draws.scale,
                                           .least_area_left = 0.1,
                                           .max_aspect = 100});
    ASSERT_EQ(kept.size(), one.at("kept").size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const auto row = one.at("kept")[i].get<std::vector<double>>();
      const Box& box = kept[i].box_px;
      EXPECT_EQ(kept[i].class_id, row[0]);
      EXPECT_NEAR(box.x1, row[1], 1e-4);
      EXPECT_NEAR(box.y1, row[2], 1e-4);
      EXPECT_NEAR(box.x2, row[3], 1e-4);
      EXPECT_NEAR(box.y2, row[4], 1e-4);
      ++compared;
    }
  }
  EXPECT_GT(compared, 10);
}

}  // namespace
}  // namespace gannet::testing
