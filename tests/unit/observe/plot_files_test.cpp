#include "gannet/observe/plot_files.h"

#include <gtest/gtest.h>

#include <cstring>
#include <opencv2/imgcodecs.hpp>

#include "gannet/core/log.h"
#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

using PlotsObserverTest = testing::TemporaryFolder;

TEST_F(PlotsObserverTest, WritesThePicturesOfARun) {
  const std::vector<std::string> names = {"a", "b"};
  const std::vector<Label> labels = {{0, 0.5f, 0.5f, 0.2f, 0.2f}, {1, 0.3f, 0.4f, 0.1f, 0.2f}};
  PlotsObserver observer(folder_);
  RunInfo info;
  info.names = &names;
  info.train_labels = &labels;
  info.head.anchors_px = {{{10, 13}}};
  info.plan = {{{0.01, 0.01, 0.1}, 0.8}, {{0.01, 0.01, 0.01}, 0.9}};
  observer.on_run_start(info);
  for (const char* file : {"labels.jpg", "labels_correlogram.jpg", "anchors.png", "LR.png"})
    EXPECT_TRUE(fs::exists(folder_ / file)) << file;

  Batch batch;
  batch.images = 1;
  batch.height = batch.width = 32;
  batch.pixels.reset(new std::uint8_t[batch.bytes()]);
  std::memset(batch.pixels.get(), 0, batch.bytes());
  BatchPicture picture;
  picture.batch = &batch;
  picture.stem = "train_batch0";
  observer.on_batch_picture(picture);
  EXPECT_TRUE(fs::exists(folder_ / "train_batch0.jpg"));

  EpochRow row;
  row.evaluated = true;
  observer.on_epoch_end(row);
  EXPECT_TRUE(fs::exists(folder_ / "results.png"));  // not only at the end
  fs::remove(folder_ / "results.png");
  observer.on_epoch_end(row);  // so soon that it would take more than a fiftieth of the time
  EXPECT_FALSE(fs::exists(folder_ / "results.png"));
  observer.on_run_end({});
  EXPECT_EQ(cv::imread((folder_ / "results.png").string()).size(), cv::Size(2400, 1200));
}

TEST_F(PlotsObserverTest, AFailedPictureDoesNotEndTheRun) {
  set_log_level(LogLevel::kError);
  PlotsObserver observer(folder_ / "no" / "such", {EpochRow{}});
  EXPECT_NO_THROW(observer.on_run_end({}));
  set_log_level(LogLevel::kInfo);
}

}  // namespace
}  // namespace gannet
