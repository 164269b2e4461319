#include "gannet/observe/tensorboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <opencv2/imgcodecs.hpp>

#include "gannet/core/atomic_file.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using TensorBoard = testing::TemporaryFolder;

/// All bytes of a folder's event files, in the order of their names.
std::string events_in(const fs::path& folder, std::size_t num_files) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("events.out.tfevents."))
      files.push_back(entry.path());
  EXPECT_EQ(files.size(), num_files);
  std::sort(files.begin(), files.end());
  std::string bytes;
  for (const fs::path& file : files) bytes += read_file(file);
  return bytes;
}

TEST_F(TensorBoard, FilesOfOneFolderSortInTheOrderInWhichTheyWereMade) {
  for (const char* tag : {"first", "second", "third"}) {  // within a second
    EventFile file(folder_, 0);
    EventData data;
    data.scalars = {{tag, 1}};
    file.write(data);
  }
  const std::string bytes = events_in(folder_, 3);
  EXPECT_LT(bytes.find("first"), bytes.find("second"));
  EXPECT_LT(bytes.find("second"), bytes.find("third"));
}

TEST_F(TensorBoard, EpochsWithoutEvaluationHaveNoFiguresOfOne) {
  TensorBoardObserver observer(folder_);
  observer.on_run_start({});
  EpochRow row;
  observer.on_epoch_end(row);
  EXPECT_THAT(events_in(folder_, 1), HasSubstr("train/giou_loss"));
  EXPECT_THAT(events_in(folder_, 1), Not(HasSubstr("metrics/")));
  row.evaluated = true;
  observer.on_epoch_end(row);
  EXPECT_THAT(events_in(folder_, 1), HasSubstr("metrics/mAP_0.5:0.95"));
}

/// How the format writes a scalar: its tag, then field 2 as four bytes.
std::string scalar(const std::string& tag, float value) {
  return tag + '\x15' + std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

TEST_F(TensorBoard, EachTagHasItsFigure) {  // Q26: the original calls mAP@.5:.95 F1
  TensorBoardObserver observer(folder_);
  observer.on_run_start({});
  EpochRow row;
  row.evaluated = true;
  row.loss = {.box = 1, .obj = 2, .cls = 3, .total = 6};
  row.val_loss = {.box = 4, .obj = 5, .cls = 6, .total = 15};
  row.metrics = {.precision = 7, .recall = 8, .map50 = 9, .map = 10};
  observer.on_epoch_end(row);
  const std::string bytes = events_in(folder_, 1);
  const char* const tags[] = {"train/giou_loss",     "train/obj_loss", "train/cls_loss",
                              "val/giou_loss",       "val/obj_loss",   "val/cls_loss",
                              "metrics/precision",   "metrics/recall", "metrics/mAP_0.5",
                              "metrics/mAP_0.5:0.95"};
  float value = 0;
  for (const char* tag : tags) EXPECT_THAT(bytes, HasSubstr(scalar(tag, ++value)));
}

TEST_F(TensorBoard, ShowsSettingsAndPicturesThatLieInTheDirectory) {
  write("settings.yaml", "train:\n  epochs: 7\n");
  write("train_batch0.jpg", "no picture");
  TensorBoardObserver observer(folder_);
  observer.on_run_start({});
  BatchPicture picture;
  picture.stem = "train_batch0";
  observer.on_batch_picture(picture);
  EXPECT_THAT(events_in(folder_, 1), HasSubstr("    train:\n      epochs: 7\n"));
  EXPECT_THAT(events_in(folder_, 1), Not(HasSubstr("train_batch0")));
}

TEST_F(TensorBoard, KeepsFewPicturesOfManyEpochs) {
  cv::imwrite(path("val_batch0_pred.jpg"), cv::Mat(8, 8, CV_8UC3, cv::Scalar(1, 2, 3)));
  TensorBoardObserver observer(folder_);
  RunInfo info;
  info.epochs = 300;
  observer.on_run_start(info);
  BatchPicture picture;
  picture.stem = "val_batch0_pred";
  for (picture.epoch = 0; picture.epoch <= info.epochs; ++picture.epoch)
    observer.on_batch_picture(picture);
  const std::string bytes = events_in(folder_, 1);
  int count = 0;
  for (auto at = bytes.find(picture.stem); at != std::string::npos;
       at = bytes.find(picture.stem, at + 1))
    ++count;
  EXPECT_EQ(count, 1 + 9 + 2);  // epoch 0, powers of two up to 256, the last and what follows it
}

TEST_F(TensorBoard, WhatCannotBeWrittenIsToldOnce) {
  TensorBoardObserver observer(folder_);
  observer.on_run_start({});
  write("steps", "a file, not a folder");
  StepEvent step;
  step.steps = 1;
  EXPECT_ERROR(kIo, "steps", observer.on_step(step));
  EXPECT_NO_THROW(observer.on_step(step));
}

TEST(StepRows, AreTheLastOfAnEpochAndOneInTenSeconds) {
  double time = 0;
  StepRows rows([&] { return time; });
  StepEvent step;
  step.steps = 30;
  std::vector<std::int64_t> wanted;
  for (step.step = 0; step.step < 30; ++step.step, ++time)
    if (rows.wants(step)) wanted.push_back(step.step);
  EXPECT_EQ(wanted, (std::vector<std::int64_t>{10, 20, 29}));
}

}  // namespace
}  // namespace gannet
