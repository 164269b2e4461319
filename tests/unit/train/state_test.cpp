// What a checkpoint holds, and what becomes of it. That a run goes on exactly is tested in
// resume_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gannet/core/error.h"
#include "gannet/io/torch_file.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/run_checkpoint.h"
#include "gannet/train/step.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"
#include "tests/unit/train/counted_batches.h"

namespace gannet {
namespace {

/// Everything that a few training steps need.
struct SmallRun {
  explicit SmallRun(const std::string& kind) {
    settings.train.optimizer = kind;
    state.seed = 11;
    state.model = testing::make_model("shallow", {.seed = 11});
    place_model(*state.model, placement);
    state.model->train();
    state.ema = std::make_unique<Ema>(*state.model);
    state.optimizer = make_optimizer(*state.model, {kind, 0.01, 0.9, 5e-4});
  }
  static ScheduleOptions schedule_options() {
    ScheduleOptions options;
    options.batches_per_epoch = 5;
    options.total_batch = 64;  // every batch completes an update
    options.min_warmup_steps = 0;
    return options;
  }
  void steps(int count) {
    const Schedule schedule(schedule_options());
    const DetectionLoss loss{LossOptions{}};
    const auto comm = make_single_process();
    TrainStep step(state, schedule, loss, placement, *comm);
    for (int i = 0; i < count; ++i) step.run(testing::global_batch(state.iteration, 2, 64));
  }

  Settings settings;
  Placement placement;
  TrainState state;
};

const std::vector<std::string> kNames = {"a", "b", "c"};

class TrainStateFile : public testing::TemporaryFolder {};

TEST_F(TrainStateFile, CountsAndSettingsComeBack) {
  SmallRun run("adam"), read("adam");
  run.state.iteration = 15;
  mark_boundary(run.state);
  run.state.epoch = 3;
  run.state.best_fitness = 0.25;
  run.state.best_epoch = 1;
  run.state.epochs_without_gain = 2;
  run.state.scaler = {true, 1024, 7};
  run.state.results.resize(2);
  run.state.results[1].epoch = 1;
  run.state.results[1].metrics.map = 0.125;
  run.settings.train.epochs = 42;
  save_torch_file(path("last.pt"), checkpoint_of(run.state, run.settings, kNames));
  const Value checkpoint = load_torch_file(path("last.pt"));
  const Settings settings = settings_of_checkpoint(checkpoint, path("last.pt"));
  EXPECT_EQ(settings.train.epochs, 42);
  EXPECT_EQ(settings.train.optimizer, "adam");
  restore_state(read.state, checkpoint, *make_single_process());
  EXPECT_EQ(read.state.iteration, 15);
  EXPECT_EQ(read.state.epoch, 3);
  EXPECT_EQ(read.state.best_fitness, 0.25);
  EXPECT_EQ(read.state.best_epoch, 1);
  EXPECT_EQ(read.state.epochs_without_gain, 2);
  EXPECT_EQ(read.state.scaler.scale, 1024);
  EXPECT_EQ(read.state.scaler.good_steps, 7);
  ASSERT_EQ(read.state.results.size(), 2U);
  EXPECT_EQ(read.state.results[1].metrics.map, 0.125);
}

TEST_F(TrainStateFile, CheckpointOfAnotherModelDoesNotFit) {
  SmallRun run("sgd"), other("sgd");
  other.state.model = testing::make_model("shallow", {.num_classes = 5});
  mark_boundary(run.state);
  const Value checkpoint = checkpoint_of(run.state, run.settings, kNames);
  EXPECT_EQ(testing::thrown_error([&] {
              restore_state(other.state, checkpoint, *make_single_process());
            }).kind(),
            ErrorKind::kCheckpoint);
}

TEST_F(TrainStateFile, StrippedFileHoldsTheAverageAndCannotBeResumed) {
  SmallRun run("sgd");
  run.steps(2);
  run.state.epoch = 1;
  save_torch_file(path("last.pt"), checkpoint_of(run.state, run.settings, kNames));
  const auto before = std::filesystem::file_size(path("last.pt"));
  EXPECT_LT(strip_checkpoint(path("last.pt")), before / 2);
  const LoadedModel loaded = load_model(path("last.pt"));
  EXPECT_EQ(loaded.epoch, 0);
  EXPECT_EQ(loaded.names, kNames);
  const auto weight = testing::entry(run.state.ema->model(), "model.1.conv.weight")
                          .to(torch::kFloat16)
                          .to(torch::kFloat32);
  EXPECT_TRUE(torch::equal(testing::entry(*loaded.model, "model.1.conv.weight"), weight));
  const Error error = testing::thrown_error(
      [&] { settings_of_checkpoint(load_torch_file(path("last.pt")), path("last.pt")); });
  EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("no training state"));
}

TEST_F(TrainStateFile, FinishedRunKeepsWhatItTakesToExtendIt) {
  SmallRun run("sgd"), read("sgd");
  run.steps(5);
  run.state.epoch = 1;
  run.state.best_epoch = 0;
  run.state.best_fitness = 0.25;
  run.state.results.resize(1);
  run.settings.train.epochs = 1;
  save_torch_file(path("last.pt"), checkpoint_of(run.state, run.settings, kNames));
  strip_checkpoint(path("last.pt"));
  save_torch_file(path("history.pt"), history_of(run.state, run.settings));
  const Value checkpoint = load_torch_file(path("last.pt")),
              history = load_torch_file(path("history.pt"));
  EXPECT_EQ(parse_settings(history.string_at("settings"), "").train.epochs, 1);
  read.state.batches_per_epoch = 5;
  restore_finished(read.state, checkpoint, history);
  EXPECT_EQ(read.state.epoch, 1);
  EXPECT_EQ(read.state.schedule_start, 1);
  EXPECT_EQ(read.state.iteration, 5);
  EXPECT_EQ(read.state.best_fitness, 0.25);
  EXPECT_EQ(read.state.results.size(), 1U);
  EXPECT_EQ(read.state.ema->updates(), 0);
  const auto average = testing::entry(run.state.ema->model(), "model.1.conv.weight");
  EXPECT_TRUE(torch::equal(testing::entry(*read.state.model, "model.1.conv.weight"),
                           average.to(torch::kFloat16).to(torch::kFloat32)));
}

}  // namespace
}  // namespace gannet
