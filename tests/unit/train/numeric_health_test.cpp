// Numbers that are not finite: what a step leaves behind, and when a state goes back.
#include "gannet/train/numeric_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <set>

#include "gannet/io/torch_file.h"
#include "gannet/train/layer_statistics.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/run_checkpoint.h"
#include "gannet/train/step.h"
#include "tests/unit/gloo_world.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/thrown_error.h"
#include "tests/unit/train/counted_batches.h"

namespace gannet {
namespace {

constexpr int kImages = 4;

/// Steps of one batch each, some of which have a gradient that is not finite.
class HurtRun {
 public:
  explicit HurtRun(Communicator& comm, const StepOptions& options = {},
                   const std::string& optimizer = "sgd")
      : comm_(comm), schedule_(schedule_options()), loss_(LossOptions{}), options_(options) {
    state.seed = 11;
    state.model = testing::make_model("shallow", {.seed = 11});
    place_model(*state.model, placement_);
    state.model->train();
    state.ema = std::make_unique<Ema>(*state.model);
    state.optimizer = make_optimizer(*state.model, {optimizer, 0.01, 0.9, 5e-4});
    state.batches_per_epoch = 100;
    mark_boundary(state);
    keep_good(state);
    reducer_ = comm.reduce_gradients(state.model->parameters(), GradientCompression::kNone);
    options_.reducer = reducer_.get();
    state.model->parameters()[0].register_hook([this](const torch::Tensor& gradient) {
      return bad.contains(state.iteration) ? gradient * std::nan("") : gradient;
    });
  }

  void train_to(std::int64_t end) {
    TrainStep step(state, schedule_, loss_, placement_, comm_, options_);
    while (state.iteration < end)
      step.run(testing::share_of(testing::global_batch(state.iteration, kImages, 64), comm_));
    step.settle();
  }

  /// Everything that was learned, as bytes.
  std::string learned() const {
    std::string bytes;
    write_torch_file(
        [&bytes](const void* data, std::size_t size) {
          bytes.append(static_cast<const char*>(data), size);
        },
        learned_entries(state, {}));
    return bytes;
  }

  const Schedule& schedule() const { return schedule_; }
  TrainState state;
  std::set<std::int64_t> bad;  // iterations

 private:
  static ScheduleOptions schedule_options() {
    ScheduleOptions options;
    options.batches_per_epoch = 100;
    options.total_batch = 64;  // every batch completes an update
    options.min_warmup_steps = 0;
    options.warmup_epochs = 0;
    return options;
  }

  Communicator& comm_;
  Placement placement_;
  Schedule schedule_;
  DetectionLoss loss_;
  StepOptions options_;
  std::unique_ptr<GradientReducer> reducer_;
};

struct Kind {
  std::string optimizer;
  bool late = false;
};
class SkippedUpdate : public ::testing::TestWithParam<Kind> {};

TEST_P(SkippedUpdate, LeavesNoTraceButTheCount) {
  const auto alone = make_single_process();
  HurtRun run(*alone, {.learn_late = GetParam().late}, GetParam().optimizer);
  run.train_to(3);
  const std::string before = run.learned();
  run.bad = {3, 4};
  run.train_to(5);
  EXPECT_EQ(run.learned(), before);
  EXPECT_EQ(run.state.iteration, 5);
  EXPECT_EQ(run.state.health.bad_in_a_row, 2);
  run.train_to(6);
  EXPECT_NE(run.learned(), before);
  EXPECT_EQ(run.state.health.bad_in_a_row, 0);
  EXPECT_EQ(run.state.health.roll_backs, 0);
}
INSTANTIATE_TEST_SUITE_P(Kinds, SkippedUpdate,
                         ::testing::Values(Kind{"sgd"}, Kind{"adam"}, Kind{"adamw"},
                                           Kind{"sgd", true}),
                         [](const auto& test) -> std::string {
                           return test.param.optimizer + (test.param.late ? "_late" : "");
                         });

TEST(LateUpdate, IsTheSameAsOneThatIsKnownAtOnce) {
  const auto alone = make_single_process();
  HurtRun late(*alone, {.learn_late = true}), at_once(*alone, {.learn_late = false});
  for (HurtRun* run : {&late, &at_once}) {
    run->bad = {2, 5, 6};
    run->train_to(9);
  }
  const auto found = state_dict(late.state.ema->model()),
             expected = state_dict(at_once.state.ema->model());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_TRUE(torch::allclose(found[i].second, expected[i].second, 1e-5, 1e-6)) << found[i].first;
  EXPECT_EQ(late.state.ema->updates(), 6);
}

class RolledBack : public ::testing::TestWithParam<bool> {};

TEST_P(RolledBack, StateIsTheGoodOneAtHalfTheRate) {
  const auto alone = make_single_process();
  HurtRun run(*alone, {.max_bad_steps = 2, .learn_late = GetParam()});
  run.train_to(2);
  keep_good(run.state);
  const std::string good = run.learned();
  run.train_to(4);
  ASSERT_NE(run.learned(), good);
  run.bad = {4, 5};
  run.train_to(GetParam() ? 7 : 6);  // known late, the next update is lost as well
  EXPECT_EQ(run.learned(), good);
  EXPECT_EQ(run.state.health.roll_backs, 1);
  EXPECT_EQ(run.state.health.bad_in_a_row, 0);
  run.train_to(8);
  EXPECT_DOUBLE_EQ(run.state.optimizer->param_groups()[0].options().get_lr(),
                   0.5 * run.schedule().at(7).lr[0]);
}
INSTANTIATE_TEST_SUITE_P(Known, RolledBack, ::testing::Bool(), [](const auto& test) -> std::string {
  return test.param ? "late" : "at_once";
});

TEST(RolledBack, TooOftenEndsTheRun) {
  const auto alone = make_single_process();
  HurtRun run(*alone, {.max_bad_steps = 2});
  for (int i = 0; i < 8; ++i) run.bad.insert(i);
  EXPECT_ERROR(kNumeric, "2 updates in a row at iteration 7, after going back 3 times",
               run.train_to(20));
}

TEST(RolledBack, RateRecoversByAnEpochWithoutABadUpdate) {
  TrainState state;
  state.batches_per_epoch = 10;
  state.health.lr_factor = 0.25;
  state.health.last_bad = 14;
  const auto factor_after = [&](std::int64_t iteration) {
    state.iteration = iteration;
    recover_rate(state);
    return state.health.lr_factor;
  };
  EXPECT_EQ(factor_after(20), 0.25);  // the epoch had a bad one
  EXPECT_EQ(factor_after(30), 0.5);
  EXPECT_EQ(factor_after(40), 1);
  EXPECT_EQ(factor_after(50), 1);
}

TEST(BadUpdate, EndsARunThatWantsNone) {
  const auto alone = make_single_process();
  HurtRun run(*alone, {.max_bad_steps = 0});
  run.bad = {3};
  EXPECT_ERROR(kNumeric, "not finite at iteration 3", run.train_to(20));
}

// One rank's gradient is enough, and no rank learns of it by a message of its own.
TEST(BadUpdate, IsLeftOutByAllRanks) {
  testing::run_gloo_world(2, [](Communicator& comm) {
    HurtRun run(comm, {.max_bad_steps = 2});
    if (comm.rank() == 1) run.bad = {1, 3, 4, 6};
    run.train_to(8);
    EXPECT_EQ(run.state.health.roll_backs, 1);
    EXPECT_EQ(run.state.ema->updates(), 2);  // after the roll-back
    std::string weights;
    for (const auto& parameter : run.state.model->parameters()) {
      EXPECT_TRUE(parameter.isfinite().all().item<bool>());
      weights.append(static_cast<const char*>(parameter.const_data_ptr()),
                     static_cast<std::size_t>(parameter.nbytes()));
    }
    const auto all = comm.gather("weights", weights);
    EXPECT_EQ(all[0], all[1]);
  });
}

TEST(NonFiniteLoss, ShowsInAllItsGradients) {
  const auto x = torch::tensor({1.0F, 2.0F}).requires_grad_();
  nan_unless_finite(x.sum()).backward();
  EXPECT_TRUE(torch::equal(x.grad(), torch::ones({2})));
  x.mutable_grad().zero_();
  nan_unless_finite(x.sum() + INFINITY).backward();
  EXPECT_TRUE(x.grad().isnan().all().item<bool>());
}

TEST(OutputCheck, NamesTheFirstLayer) {
  const auto model = testing::make_model("shallow", {.seed = 1});
  const auto images = torch::rand({1, 3, 64, 64});
  {
    OutputCheck check(*model);
    model->forward(images, check.trace());
    EXPECT_EQ(check.found(), "");
  }
  const torch::NoGradGuard no_grad;
  testing::entry(*model, "model.1.conv.weight").fill_(INFINITY);
  OutputCheck check(*model);
  model->forward(images, check.trace());
  EXPECT_THAT(check.found(), ::testing::StartsWith("the output of layer 1 ("));
}

TEST(BadGradient, IsTheLastInTheModel) {
  const auto model = testing::make_model("shallow", {.seed = 1});
  EXPECT_EQ(find_bad_gradient(*model), "");
  const auto parameters = named_parameters_in_order(*model);
  for (auto [name, parameter] : parameters) parameter.mutable_grad() = torch::zeros_like(parameter);
  for (const std::size_t i : {0U, 2U}) parameters[i].second.grad().fill_(NAN);
  EXPECT_EQ(find_bad_gradient(*model), "the gradient of '" + parameters[2].first + "'");
}

TEST(ValueStatistics, LeaveOutWhatIsNotFinite) {
  const ValueStatistics found = statistics_of(torch::tensor({0.0F, 0.0F, 2.0F, -4.0F, NAN}));
  EXPECT_NEAR(found.mean, -0.5, 1e-6);
  EXPECT_NEAR(found.deviation, std::sqrt(19.0 / 4), 1e-5);
  EXPECT_EQ(found.largest, 4);
  EXPECT_NEAR(found.zeros, 0.4, 1e-9);
  EXPECT_NEAR(found.not_finite, 0.2, 1e-9);
  EXPECT_EQ(describe(statistics_of(torch::empty({0}))),
            "mean 0, deviation 0, largest 0, 0.0% zeros, 0.0% not finite");
}

}  // namespace
}  // namespace gannet
