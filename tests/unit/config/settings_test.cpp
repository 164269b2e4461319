#include "gannet/config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::thrown_error;

class SettingsFile : public testing::TemporaryFolder {};

TEST(SettingsYaml, RoundTripKeepsEveryValue) {
  Settings settings;
  settings.train.epochs = 7;
  settings.train.img_size = {320, 416};
  settings.train.name = "a \"quoted\": name # 1";
  settings.train.rect = true;
  settings.train.seed = 123456789012345;
  settings.train.label_smoothing = 0.1;
  settings.hyp.lr0 = 1.0 / 3;
  settings.hyp.weight_decay = 1e-7;
  const std::string text = settings_to_yaml(settings);
  const Settings read = parse_settings(text, "settings.yaml");
  EXPECT_EQ(settings_to_yaml(read), text);
  EXPECT_EQ(read.train.name, settings.train.name);
  EXPECT_THAT(read.train.img_size, ElementsAre(320, 416));
  EXPECT_TRUE(read.train.rect);
  EXPECT_EQ(read.train.seed, 123456789012345);
  EXPECT_EQ(read.hyp.lr0, 1.0 / 3);
  EXPECT_EQ(read.hyp.weight_decay, 1e-7);
}

TEST(SettingsYaml, UnknownKeyNamesTheNearestWithFileAndLine) {
  const Error error =
      thrown_error([] { parse_settings("train:\n  rect: true\n  epoch: 5\n", "s.yaml"); });
  EXPECT_EQ(error.exit_code(), 1);
  EXPECT_STREQ(error.what(),
               "s.yaml:3: unknown key 'epoch' in section 'train' (did you mean 'epochs'?)");
  EXPECT_THAT(thrown_error([] { parse_settings("hip:\n  lr0: 1\n", "s.yaml"); }).what(),
              HasSubstr("'hyp'"));
}

TEST(SettingsYaml, ValueOutOfRangeOrOfAnotherKind) {
  const Error range = thrown_error([] { parse_settings("hyp:\n  lr0: 2\n", "s.yaml"); });
  EXPECT_STREQ(range.what(), "s.yaml:2: lr0: 2 is not between 0 and 1");
  const Error kind = thrown_error([] { parse_settings("train:\n  epochs: many\n", "s.yaml"); });
  EXPECT_STREQ(kind.what(), "s.yaml:2: epochs: 'many' is not a whole number");
  EXPECT_ERROR(kUsage, "nan is not between", parse_settings("hyp:\n  lr0: .nan\n", "s.yaml"));
}

TEST(SettingsYaml, BrokenYamlIsAnErrorWithALine) {
  const Error error = thrown_error([] { parse_settings("train:\n  epochs: [1\n", "s.yaml"); });
  EXPECT_EQ(error.kind(), ErrorKind::kConfig);
  EXPECT_GT(error.where().line, 0);
}

TEST(SettingsYaml, AugmentationOfLaterReleasesIsOffUnlessAskedFor) {
  const Hyperparameters defaults;
  EXPECT_EQ(defaults.mosaic, 1);
  for (const double gain : {defaults.perspective, defaults.flipud, defaults.mosaic9, defaults.mixup,
                            defaults.copy_paste})
    EXPECT_EQ(gain, 0);
  EXPECT_EQ(TrainSettings{}.close_mosaic, 0);
  const Settings read = parse_settings(
      "hyp:\n  mixup: 0.1\n  copy_paste: 0.2\ntrain:\n  close_mosaic: 10\n", "s.yaml");
  EXPECT_EQ(read.hyp.mixup, 0.1);
  EXPECT_EQ(read.hyp.copy_paste, 0.2);
  EXPECT_EQ(read.train.close_mosaic, 10);
  EXPECT_ERROR(kUsage, "1.5 is not between", parse_settings("hyp:\n  mosaic: 1.5\n", "s.yaml"));
}

TEST_F(SettingsFile, OverridesWinOverTheFile) {
  const std::string file = write("s.yaml", "train:\n  epochs: 5\n  batch_size: 4\n");
  const Settings settings = load_settings(file, {{"train.epochs", "9"}, {"hyp.lr0", "0.5"}});
  EXPECT_EQ(settings.train.epochs, 9);
  EXPECT_EQ(settings.train.batch_size, 4);
  EXPECT_EQ(settings.hyp.lr0, 0.5);
  EXPECT_EQ(settings.hyp.lrf, 0.1);
}

TEST(AssignSetting, ErrorsAreOfUsageAndNameTheKey) {
  Settings settings;
  const Error unknown = thrown_error([&] { assign_setting(settings, "train.epoch", "1"); });
  EXPECT_EQ(unknown.exit_code(), 2);
  EXPECT_THAT(unknown.what(), HasSubstr("did you mean 'epochs'?"));
  const Error range = thrown_error([&] { assign_setting(settings, "train.epochs", "0"); });
  EXPECT_EQ(range.exit_code(), 2);
  EXPECT_EQ(range.where().key, "train.epochs");
  EXPECT_ERROR(kUsage, "unknown section 'other'", assign_setting(settings, "other.epochs", "1"));
}

// Lines as the original ships them (data/hyp.finetune.yaml and later releases).
TEST_F(SettingsFile, OverlayReadsFilesOfTheOriginal) {
  const std::string file =
      write("hyp.yaml",
            "# Hyperparameters\nlr0: 1e-3\nweight_decay: 5e-4\noptimizer: adam  # or SGD\n"
            "box: 0.07\niou_t: 0.2\nscale: 0\n");
  Settings settings;
  settings.hyp.cls = 0.9;
  overlay_hyperparameters(settings, file);
  EXPECT_EQ(settings.hyp.lr0, 1e-3);
  EXPECT_EQ(settings.hyp.weight_decay, 5e-4);
  EXPECT_EQ(settings.train.optimizer, "adam");
  EXPECT_EQ(settings.hyp.giou, 0.07);
  EXPECT_EQ(settings.hyp.scale, 0);
  EXPECT_EQ(settings.hyp.cls, 0.9) << "keys that the file does not name stay";
}

TEST_F(SettingsFile, OverlayRefusesUnknownKeys) {
  const std::string file = write("hyp.yaml", "lr0: 0.01\nmomentun: 0.9\n");
  Settings settings;
  const Error error = thrown_error([&] { overlay_hyperparameters(settings, file); });
  EXPECT_EQ(error.where().line, 2);
  EXPECT_THAT(error.what(), HasSubstr("did you mean 'momentum'?"));
}

TEST_F(SettingsFile, WrittenHyperparametersAreAnOverlay) {
  Hyperparameters hyp;
  hyp.shear = 12.5;
  const std::string file = write("hyp.yaml", hyperparameters_to_yaml(hyp));
  Settings settings;
  overlay_hyperparameters(settings, file);
  EXPECT_EQ(settings.hyp.shear, 12.5);
}

TEST(CheckSettings, WordsMustBeKnown) {
  const auto refuse = [](std::string TrainSettings::*member, const char* flag) {
    Settings settings;
    settings.train.*member = "orignal";
    const Error error = thrown_error([&] { check_settings(settings); });
    EXPECT_EQ(error.exit_code(), 2);
    EXPECT_EQ(error.where().key, flag);
  };
  refuse(&TrainSettings::compat, "--compat");
  refuse(&TrainSettings::precision, "--precision");
  refuse(&TrainSettings::optimizer, "--optimizer");
  refuse(&TrainSettings::memory_format, "--memory-format");
}

TEST(CheckSettings, ImageSizeIsCompletedToTwo) {
  Settings settings;
  settings.train.img_size = {320};
  check_settings(settings);
  EXPECT_THAT(settings.train.img_size, ElementsAre(320, 320));
  settings.train.img_size = {320, 320, 320};
  EXPECT_ERROR(kUsage, "one or two sizes", check_settings(settings));
  settings.train.img_size = {};
  EXPECT_ERROR(kUsage, "one or two sizes", check_settings(settings));
}

TEST(CheckSettings, WeightsMustBeAFileName) {
  Settings settings;
  settings.train.weights = "yolov5s";
  EXPECT_EQ(thrown_error([&] { check_settings(settings); }).where().key, "--weights");
}

TEST(FindConfig, FindsShippedFilesAndExplainsMissingOnes) {
  EXPECT_TRUE(find_config("yolov5s").ends_with("models/yolov5s.yaml"));
  EXPECT_TRUE(find_config("yolov5s.yaml").ends_with("yolov5s.yaml"));
  EXPECT_EQ(thrown_error([] { find_config("no-such-file.yaml"); }).exit_code(), 2);
}

using FindConfigBelow = testing::TemporaryFolder;

TEST_F(FindConfigBelow, NamesFilesOfFoldersBelowAndTakesNone) {
  make_folder("berries");
  write("berries/data.yaml", "nc: 1\n");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(path(""));
  const Error error = testing::thrown_error([] { find_config("data.yaml"); });
  std::filesystem::current_path(before);
  EXPECT_EQ(error.exit_code(), 2);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("berries/data.yaml"));
}

TEST(SettingsCheck, CacheOfImages) {
  Settings settings;
  check_settings(settings);
  EXPECT_EQ(settings.train.cache_images, "");
  settings = parse_settings("train: {cache_images: disk}\n", "s.yaml");
  check_settings(settings);
  EXPECT_EQ(settings.train.cache_images, "disk");
  settings = parse_settings("train: {cache_images: true}\n", "s.yaml");
  check_settings(settings);
  EXPECT_EQ(settings.train.cache_images, "ram");
  settings = parse_settings("train: {cache_images: false}\n", "s.yaml");
  check_settings(settings);
  EXPECT_EQ(settings.train.cache_images, "");
  settings.train.cache_images = "tape";
  EXPECT_STREQ(thrown_error([&] { check_settings(settings); }).what(),
               "--cache-images: 'tape' is not one of ram, disk");
}

TEST(SettingsCheck, SavesWithinEpochs) {
  EXPECT_EQ(parse_save_every("").steps, 0);
  EXPECT_EQ(parse_save_every("500").steps, 500);
  EXPECT_EQ(parse_save_every("500").minutes, 0);
  EXPECT_EQ(parse_save_every("2.5m").minutes, 2.5);
  EXPECT_EQ(parse_save_every("10min").minutes, 10);
  for (const char* wrong : {"0", "-3", "1.5", "10s", "m", "often"}) {
    Settings settings;
    settings.train.save_every = wrong;
    EXPECT_EQ(thrown_error([&] { check_settings(settings); }).kind(), ErrorKind::kUsage) << wrong;
  }
}

}  // namespace
}  // namespace gannet
