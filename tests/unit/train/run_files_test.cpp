#include "gannet/train/run_files.h"

#include <gtest/gtest.h>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using RunDirectory = testing::TemporaryFolder;

TEST_F(RunDirectory, SettingsFilesReadBack) {
  make_folder("images");
  Settings settings;
  settings.train.epochs = 12;
  settings.hyp.lr0 = 0.02;
  const DataDescription data{path("data.yaml"), {path("images")}, {path("images")}, {}, 1, {"cat"}};
  write_settings_files(folder_, settings, data, "nc: 1\n");
  EXPECT_EQ(settings_to_yaml(load_settings(path("settings.yaml"))), settings_to_yaml(settings));
  Settings overlaid;
  overlay_hyperparameters(overlaid, path("hyp.yaml"));
  EXPECT_EQ(overlaid.hyp.lr0, 0.02);
  EXPECT_EQ(load_data_description(path("data.yaml")).names, data.names);
  EXPECT_EQ(read_file(path("model.yaml")), "nc: 1\n");
}

TEST_F(RunDirectory, NewestPeriodicCheckpointsStay) {
  for (const char* name : {"epoch2.pt", "epoch9.pt", "epoch10.pt", "epochs.pt", "last.pt"})
    write(name, "");
  remove_old_periodic(folder_, 2);
  EXPECT_FALSE(std::filesystem::exists(path("epoch2.pt")));
  for (const char* name : {"epoch9.pt", "epoch10.pt", "epochs.pt", "last.pt"})
    EXPECT_TRUE(std::filesystem::exists(path(name))) << name;
}

TEST_F(RunDirectory, NewestRunIsFound) {
  make_folder("a/weights");
  make_folder("b/weights");
  write("a/weights/last.pt", "");
  write("b/weights/last.pt", "");
  std::filesystem::last_write_time(
      path("a/weights/last.pt"),
      std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(newest_checkpoint(folder_.string()), path("a/weights/last.pt"));
  EXPECT_EQ(testing::thrown_error([&] { newest_checkpoint(path("none")); }).kind(),
            ErrorKind::kUsage);
}

}  // namespace
}  // namespace gannet
