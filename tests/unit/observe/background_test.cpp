#include "gannet/observe/background.h"

#include <gmock/gmock.h>

#include <future>

#include "gannet/core/log.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;

/// Writes down what it is told; waits at each event while the gate is closed.
class Listener : public RunObserver {
 public:
  struct Notes {
    std::vector<std::string> told;
    std::shared_future<void> gate;
  };
  explicit Listener(Notes& notes) : notes_(notes) {}
  void on_run_start(const RunInfo& info) override {
    note("start " + info.names->at(0) + " " + std::to_string(info.train_labels->size()));
  }
  void on_step(const StepEvent& step) override { note("step " + std::to_string(step.step)); }
  void on_epoch_end(const EpochRow& row) override { note("epoch " + std::to_string(row.epoch)); }
  void on_batch_picture(const BatchPicture& picture) override {
    note(picture.stem + " " + std::to_string(picture.batch->pixels[0]) + " " +
         std::to_string(picture.predictions != nullptr ? picture.predictions->size() : 0));
  }
  void on_checkpoint(const CheckpointEvent& checkpoint) override {
    if (checkpoint.epoch == 7) throw Error(ErrorKind::kIo, "cannot write");
    throw Error(ErrorKind::kData, "worse");
  }
  void on_run_end(const RunSummary&) override { note("end"); }

 private:
  void note(const std::string& text) {
    if (notes_.gate.valid()) notes_.gate.wait();
    notes_.told.push_back(text);
  }
  Notes& notes_;
};

TEST(Background, MembersAreToldTheSameInTheSameOrderLater) {
  std::promise<void> gate;
  Listener::Notes notes{{}, gate.get_future().share()};
  BackgroundObserver observer;
  observer.add(std::make_unique<Listener>(notes));
  {
    const std::vector<std::string> names = {"stop"};
    const std::vector<Label> labels(3);
    RunInfo info;
    info.names = &names;
    info.train_labels = &labels;
    observer.on_run_start(info);
    Batch batch;
    batch.images = batch.width = batch.height = 1;
    batch.pixels.reset(new std::uint8_t[3]{5, 5, 5});
    const std::vector<std::vector<ScoredBox>> predictions(1);
    observer.on_batch_picture({&batch, nullptr, "picture", &predictions, 0});
    observer.on_batch_picture({&batch, nullptr, "labels", nullptr, 0});
  }  // what they point at is gone before the first is told
  EpochRow row;
  row.epoch = 4;
  observer.on_epoch_end(row);
  EXPECT_TRUE(notes.told.empty());  // nobody has waited
  gate.set_value();
  observer.on_run_end({});
  EXPECT_THAT(notes.told,
              ElementsAre("start stop 3", "picture 5 1", "labels 5 0", "epoch 4", "end"));
}

TEST(Background, OfStepsThatWaitTheLastIsEnough) {
  std::promise<void> gate;
  Listener::Notes notes{{}, gate.get_future().share()};
  BackgroundObserver observer;
  observer.add(std::make_unique<Listener>(notes));
  observer.on_epoch_end({});
  StepEvent step;
  for (step.step = 0; step.step < 1000; ++step.step) observer.on_step(step);
  gate.set_value();
  observer.on_run_end({});
  EXPECT_THAT(notes.told, ElementsAre("epoch 0", "step 999", "end"));
}

TEST(Background, WhatIsLeftIsToldBeforeItEnds) {
  Listener::Notes notes;
  {
    BackgroundObserver observer;
    observer.add(std::make_unique<Listener>(notes));
    for (int i = 0; i < 50; ++i) observer.on_epoch_end({});
  }
  EXPECT_EQ(notes.told.size(), 50u);
}

TEST(Background, OnlyWhatCannotBeWrittenLeavesTheRunAlone) {
  Listener::Notes notes;
  BackgroundObserver observer;
  observer.add(std::make_unique<Listener>(notes));
  set_log_level(LogLevel::kError);
  observer.on_checkpoint({{}, 7, false});
  EXPECT_NO_THROW(observer.on_run_end({}));
  set_log_level(LogLevel::kInfo);
  observer.on_checkpoint({{}, 8, false});
  EXPECT_ERROR(kData, "worse", observer.on_run_end({}));
  EXPECT_NO_THROW(observer.on_run_end({}));  // thrown once
}

}  // namespace
}  // namespace gannet
