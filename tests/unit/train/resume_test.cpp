// A run that is saved at any step, loaded and continued equals one that was never stopped, bit for
// bit.
#include "gannet/train/resume.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <set>

#include "gannet/core/error.h"
#include "gannet/io/torch_file.h"
#include "gannet/ops/stored_tensor.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/rank_states.h"
#include "gannet/train/run_checkpoint.h"
#include "gannet/train/step.h"
#include "tests/unit/gloo_world.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/thrown_error.h"
#include "tests/unit/train/counted_batches.h"

namespace gannet {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kEpochs = 4, kBatches = 7, kSteps = kEpochs * kBatches;
constexpr int kImages = 5;

struct RunOptions {
  torch::Dtype compute = torch::kFloat32;
  std::string optimizer = "sgd";
  int shard_threads = 0;
  bool original = false;
  std::set<std::int64_t> bad = {};  // iterations with a gradient that is not finite
  bool late = false;                // which is learned a step later
};

std::string packed(const Value& value) {
  std::string bytes;
  write_torch_file(
      [&bytes](const void* data, std::size_t size) {
        bytes.append(static_cast<const char*>(data), size);
      },
      value);
  return bytes;
}

/// A rank's training as the trainer does it, without files and evaluation. Warm-up lasts 21 steps,
/// in which accumulation rises from 1 to 4 batches.
class StoppableRun {
 public:
  StoppableRun(const RunOptions& options, Communicator& comm)
      : comm_(comm), schedule_(schedule_options(options)), loss_(LossOptions{}) {
    placement_.compute = options.compute;
    state_.seed = 11;
    state_.model = testing::make_model("shallow", {.seed = 11});
    place_model(*state_.model, placement_);
    state_.model->train();
    state_.ema = std::make_unique<Ema>(*state_.model);
    state_.optimizer = make_optimizer(*state_.model, {options.optimizer, 0.01, 0.9, 5e-4});
    state_.batches_per_epoch = kBatches;
    settings_.train.optimizer = options.optimizer;
    step_options_.shard_threads = options.shard_threads;
    step_options_.loss_per_rank = options.original;
    step_options_.max_bad_steps = 2;
    step_options_.learn_late = options.late;
    state_.model->parameters()[0].register_hook(
        [this, bad = options.bad](const torch::Tensor& gradient) {
          return bad.contains(state_.iteration) ? gradient * std::nan("") : gradient;
        });
    if (options.shard_threads == 0)
      reducer_ = comm.reduce_gradients(state_.model->parameters(), GradientCompression::kNone);
    step_options_.reducer = reducer_.get();
  }

  void restore(const std::string& checkpoint) {
    restore_state(state_, parse_torch_file(make_storage(checkpoint)), comm_);
    mark_boundary(state_);
  }
  std::string checkpoint() {
    const Value ranks = gather_rank_states(state_, step_options_.shard_threads > 0, comm_);
    return packed(checkpoint_of(state_, settings_, {"a", "b", "c"}, ranks));
  }

  void train_to(std::int64_t end) {
    if (state_.boundary.buffers.empty()) mark_boundary(state_);
    if (state_.health.good.is_none()) keep_good(state_);
    TrainStep step(state_, schedule_, loss_, placement_, comm_, step_options_);
    while (state_.iteration < end) {
      if (state_.iteration % kBatches == 0) {
        step.begin_epoch();
        mark_boundary(state_);
      }
      const std::int64_t iteration = state_.iteration;
      step.run(testing::share_of(testing::global_batch(iteration, kImages, 64), comm_,
                                 step_options_.shard_threads > 0));
      losses[iteration] = step.last_items()[3].item<double>();
      if (state_.iteration % kBatches != 0) continue;
      step.count_last_step();
      losses[-state_.epoch - 1] = step.mean_items()[3];  // of the epoch
      ++state_.epoch;
      mark_boundary(state_);
      keep_good(state_);
    }
    step.settle();
  }

  const TrainState& state() const { return state_; }
  std::map<std::int64_t, double> losses;

 private:
  static ScheduleOptions schedule_options(const RunOptions& run) {
    ScheduleOptions options;
    options.epochs = kEpochs;
    options.batches_per_epoch = kBatches;
    options.total_batch = 16;
    options.min_warmup_steps = 12;
    options.quirks = run.original ? Quirks::kJuly2020 : Quirks::kNone;
    return options;
  }

  Communicator& comm_;
  Schedule schedule_;
  DetectionLoss loss_;
  Placement placement_;
  Settings settings_;
  TrainState state_;
  std::unique_ptr<GradientReducer> reducer_;
  StepOptions step_options_;
};

void expect_equal(const StoppableRun& found, const StoppableRun& expected) {
  testing::expect_equal_states(*found.state().model, *expected.state().model);
  testing::expect_equal_states(found.state().ema->model(), expected.state().ema->model());
  EXPECT_EQ(found.state().ema->updates(), expected.state().ema->updates());
  EXPECT_EQ(packed(optimizer_state(*found.state().optimizer, *found.state().model)),
            packed(optimizer_state(*expected.state().optimizer, *expected.state().model)));
  EXPECT_EQ(found.state().health.lr_factor, expected.state().health.lr_factor);
  for (const auto& [iteration, loss] : found.losses)
    EXPECT_EQ(loss, expected.losses.at(iteration)) << "loss of iteration " << iteration;
}

std::set<std::int64_t> random_stops(std::size_t count) {
  Rng rng({3, 0, 0, Purpose::kTest});
  std::set<std::int64_t> stops;
  while (stops.size() < count) stops.insert(1 + rng.below(kSteps - 1));
  return stops;
}

/// One update that is skipped, and enough in a row to go back, within the second epoch.
const std::set<std::int64_t> kBad = {2, 8, 9, 10};

class ContinuedRun : public ::testing::TestWithParam<RunOptions> {};

TEST_P(ContinuedRun, EqualsTheWholeRunWhereverItStopped) {
  const auto alone = make_single_process();
  StoppableRun whole(GetParam(), *alone);
  whole.train_to(kSteps);
  ASSERT_TRUE(std::isfinite(whole.losses.at(kSteps - 1)));
  EXPECT_EQ(whole.state().health.roll_backs, GetParam().bad.empty() ? 0 : 1);
  int inside_accumulation = 0;
  for (const std::int64_t stop : random_stops(25)) {
    StoppableRun first(GetParam(), *alone), second(GetParam(), *alone);
    first.train_to(stop);
    second.restore(first.checkpoint());
    inside_accumulation += second.state().iteration < stop ? 1 : 0;
    second.train_to(kSteps);
    SCOPED_TRACE("stopped after " + std::to_string(stop) + " steps");
    expect_equal(second, whole);
    if (HasFailure()) return;
  }
  EXPECT_GE(inside_accumulation, 5);
}
INSTANTIATE_TEST_SUITE_P(
    Kinds, ContinuedRun,
    ::testing::Values(RunOptions{}, RunOptions{.compute = torch::kBFloat16},
                      RunOptions{.optimizer = "adam"}, RunOptions{.optimizer = "adamw"},
                      RunOptions{.original = true}, RunOptions{.shard_threads = 1},
                      RunOptions{.bad = kBad}, RunOptions{.bad = kBad, .late = true}),
    [](const auto& test) -> std::string {
      if (!test.param.bad.empty()) return test.param.late ? "rolled_back_late" : "rolled_back";
      if (test.param.shard_threads > 0) return "deterministic";
      if (test.param.original) return "original";
      return test.param.optimizer + (test.param.compute == torch::kBFloat16 ? "_bf16" : "_fp32");
    });

// Each rank has its own running statistics in the middle of an epoch.
TEST(ContinuedRanks, TwoRanksEqualTheirWholeRun) {
  testing::run_gloo_world(2, [](Communicator& comm) {
    StoppableRun whole({}, comm);
    whole.train_to(kSteps);
    for (const std::int64_t stop : random_stops(5)) {
      StoppableRun first({}, comm), second({}, comm);
      first.train_to(stop);
      second.restore(first.checkpoint());
      second.train_to(kSteps);
      SCOPED_TRACE("stopped after " + std::to_string(stop) + " steps");
      expect_equal(second, whole);
    }
  });
}

// Saved by `before` ranks, continued by `after`.
void expect_equal_across_worlds(int before, int after) {
  const RunOptions options{.shard_threads = 1};
  const auto alone = make_single_process();
  StoppableRun whole(options, *alone);
  whole.train_to(kSteps);
  for (const std::int64_t stop : {3, 10, 14, 25}) {
    std::string saved;
    testing::run_gloo_world(before, [&](Communicator& comm) {
      StoppableRun first(options, comm);
      first.train_to(stop);
      const std::string checkpoint = first.checkpoint();
      if (comm.is_main()) saved = checkpoint;
    });
    testing::run_gloo_world(after, [&](Communicator& comm) {
      StoppableRun second(options, comm);
      second.restore(saved);
      second.train_to(kSteps);
      if (comm.is_main()) testing::expect_equal_states(*second.state().model, *whole.state().model);
      if (comm.is_main())
        testing::expect_equal_states(second.state().ema->model(), whole.state().ema->model());
    });
  }
}
TEST(ContinuedRanks, DeterministicRunOfOneGoesOnWithTwo) { expect_equal_across_worlds(1, 2); }
TEST(ContinuedRanks, DeterministicRunOfTwoGoesOnWithOne) { expect_equal_across_worlds(2, 1); }

TEST(ContinuedRanks, AnotherNumberTakesTheMeanOfTheStatistics) {
  std::string saved;
  std::vector<torch::Tensor> means(2);
  testing::run_gloo_world(2, [&](Communicator& comm) {
    StoppableRun run({}, comm);
    run.train_to(4);
    means[static_cast<std::size_t>(comm.rank())] =
        testing::entry(*run.state().model, "model.0.conv.bn.running_mean").clone();
    const std::string checkpoint = run.checkpoint();
    if (comm.is_main()) saved = checkpoint;
  });
  ASSERT_FALSE(torch::equal(means[0], means[1]));
  const auto alone = make_single_process();
  StoppableRun run({}, *alone);
  run.restore(saved);
  const auto mean = ((means[0].to(torch::kFloat64) + means[1]) / 2).to(torch::kFloat32);
  if (run.state().iteration == 4)
    EXPECT_TRUE(
        torch::equal(testing::entry(*run.state().model, "model.0.conv.bn.running_mean"), mean));
  run.train_to(kSteps);
  EXPECT_TRUE(std::isfinite(run.losses.at(kSteps - 1)));
}

TEST(ResumedSettings, OnlyWhatDoesNotDecideTheNumbersMayChange) {
  Settings run;
  run.train.epochs = 20;
  check_settings(run);
  const auto change = [&](const std::string& key, const std::string& value) {
    return change_settings(run, {{key, value}}, "last.pt");
  };
  EXPECT_EQ(change("train.epochs", "30").train.epochs, 30);
  EXPECT_EQ(change("train.epochs", "20").train.epochs, 20);
  EXPECT_EQ(change("train.workers", "7").train.workers, 7);
  EXPECT_EQ(change("train.img_size", "[640]").train.img_size, run.train.img_size);
  const Error fewer = testing::thrown_error([&] { change("train.epochs", "10"); });
  EXPECT_EQ(fewer.kind(), ErrorKind::kUsage);
  const Error batch = testing::thrown_error([&] { change("train.batch_size", "8"); });
  EXPECT_EQ(batch.kind(), ErrorKind::kUsage);
  EXPECT_THAT(batch.what(),
              HasSubstr("the run has 'batch_size: 16', which 'batch_size: 8' contradicts"));
  EXPECT_ERROR(kUsage, "lr0: 0.5' contradicts", change("hyp.lr0", "0.5"));
}

}  // namespace
}  // namespace gannet
