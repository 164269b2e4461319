#include "gannet/train/recipe.h"

#include <gtest/gtest.h>

#include <map>

#include "gannet/data/index/image_index.h"

namespace gannet {
namespace {

std::map<std::string, std::string> decided(const Settings& settings, const DataSummary& data) {
  std::map<std::string, std::string> values;
  for (const Decision& decision : decide_recipe(settings, data)) {
    EXPECT_FALSE(decision.reason.empty()) << decision.key;
    values[decision.key] = decision.value;
  }
  return values;
}

Settings auto_settings() {
  Settings settings;
  apply_recipe(settings, "auto");
  settings.train.batch_size = 8;
  return settings;
}

const DataSummary kSmallSet{
    .images = 200, .boxes = 2800, .classes = 3, .rarest = 200, .image_side_px = 500};

TEST(Recipe, IsThatOfTheModel) {
  TrainSettings train;
  EXPECT_EQ(recipe_of_model(train), "july2020");
  train.cfg = "yolov5n-v7.yaml";
  EXPECT_EQ(recipe_of_model(train), "v7");
}

TEST(Recipe, OfJuly2020HoldsTheDefaults) {
  Settings settings, defaults;
  apply_recipe(settings, "july2020");
  settings.train.recipe.clear();
  EXPECT_EQ(settings_to_yaml(settings), settings_to_yaml(defaults));
}

TEST(Recipe, AutoTakesAdamWForShortRunsAndSgdForLongOnes) {
  const Settings settings = auto_settings();
  auto values = decided(settings, kSmallSet);
  EXPECT_EQ(values.at("train.optimizer"), "adamw");
  EXPECT_EQ(values.at("hyp.nominal_batch"), "8");
  EXPECT_EQ(values.at("train.img_size"), "512");
  DataSummary large = kSmallSet;
  large.images = 100'000;
  values = decided(settings, large);
  EXPECT_FALSE(values.contains("train.optimizer"));
  EXPECT_FALSE(values.contains("hyp.nominal_batch"));
}

TEST(Recipe, AutoLeavesAloneWhatAPersonChose) {
  Settings settings = auto_settings();
  settings.chosen = {"train.optimizer", "hyp.lr0", "train.img_size"};
  const auto values = decided(settings, kSmallSet);
  for (const std::string& key : settings.chosen) EXPECT_FALSE(values.contains(key)) << key;
  EXPECT_TRUE(values.contains("hyp.ema_decay"));
}

TEST(Recipe, ValuesOfFilesAreAPersonsToo) {
  Settings settings;
  apply_recipe(settings, "auto");
  EXPECT_TRUE(settings.chosen.empty());
  overlay_hyperparameters(settings, find_config("demo"));
  assign_setting(settings, "ema_decay", "0.9");
  for (const char* key : {"hyp.lr0", "train.optimizer", "hyp.nominal_batch", "hyp.ema_decay"})
    EXPECT_TRUE(settings.chosen.contains(key)) << key;
  EXPECT_FALSE(decided(settings, kSmallSet).contains("hyp.lr0"));
}

TEST(Recipe, EveryDecisionIsASetting) {
  Settings settings = auto_settings();
  for (const Decision& decision : decide_recipe(settings, kSmallSet))
    assign_setting(settings, decision.key, decision.value);
  check_settings(settings);
  EXPECT_EQ(settings.train.img_size, (std::vector<int>{512, 512}));
  EXPECT_LT(settings.hyp.ema_tau, 200 * 100 / 8);
}

TEST(Recipe, SummaryOfADataSet) {
  ImageIndex index;
  index.images.push_back(
      {"a.jpg", 640, 480, {{0, 0.5F, 0.5F, 0.5F, 0.1F}, {2, 0.5F, 0.5F, 0.1F, 0.1F}}});
  index.images.push_back({"b.jpg", 100, 320, {{0, 0.5F, 0.5F, 0.5F, 0.5F}}});
  index.images.push_back({"c.jpg", 100, 100, {}});
  const DataSummary data = summarise(index, 4);
  EXPECT_EQ(data.images, 3);
  EXPECT_EQ(data.boxes, 3);
  EXPECT_EQ(data.classes, 2);
  EXPECT_EQ(data.rarest, 1);
  EXPECT_EQ(data.image_side_px, 320);
}

}  // namespace
}  // namespace gannet
