// Rates over long runs, EMA decay, gradients by name, and whole training runs of the original.
#include "gannet/ops/prepare.h"
#include "gannet/train/ema.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/run_options.h"
#include "gannet/train/step.h"
#include "tests/parity/golden.h"
#include "tests/parity/training_vectors.h"

namespace gannet {
namespace {

HeadSpec three_classes() {
  HeadSpec head;
  head.num_classes = 3;
  head.strides = {8, 16, 32};
  return head;
}

TEST(ScheduleVectors, RatesMomentumAccumulationAndSteps) {
  const auto index = golden::json("schedule/index.json");
  for (const auto& [name, entry] : index["cases"].items()) {
    SCOPED_TRACE(name);
    const golden::Vector vector("schedule/" + name);
    ScheduleOptions options;
    options.epochs = entry["epochs"];
    options.batches_per_epoch = entry["batches_per_epoch"];
    options.total_batch = entry["total_batch"];
    options.first_epoch = entry["first_epoch"];
    options.lr0 = entry["lr0"];
    options.momentum = entry["momentum"];
    options.warm_momentum = entry["optimizer"] == "SGD";
    options.quirks = Quirks::kJuly2020;
    const Schedule schedule(options);
    EXPECT_EQ(schedule.warmup_steps(), entry["warmup_iterations"].get<std::int64_t>());
    const auto ni = vector["ni"], lr = vector["lr"], momentum = vector["momentum"],
               accumulate = vector["accumulate"], stepped = vector["stepped"];
    std::int64_t steps = 0;
    for (std::int64_t i = 0; i < ni.size(0); ++i) {
      const StepPlan plan = schedule.at(ni[i].item<std::int64_t>());
      for (std::int64_t g = 0; g < kNumGroups; ++g)
        ASSERT_NEAR(plan.lr[static_cast<std::size_t>(g)], lr[i][g].item<double>(),
                    1e-12 * std::max(1.0, options.lr0))
            << "iteration " << plan.iteration << " group " << g;
      ASSERT_NEAR(plan.momentum, momentum[i].item<double>(), 1e-12)
          << "iteration " << plan.iteration;
      ASSERT_EQ(plan.accumulate, accumulate[i].item<double>()) << "iteration " << plan.iteration;
      ASSERT_EQ(plan.completes_update, stepped[i].item<bool>()) << "iteration " << plan.iteration;
      steps += plan.completes_update;
    }
    EXPECT_EQ(steps, entry["steps"].get<std::int64_t>());
    Settings settings;
    settings.train.batch_size = options.total_batch;
    EXPECT_DOUBLE_EQ(scaled_weight_decay(settings),
                     entry["scaled_hyp"]["weight_decay"].get<double>());
    EXPECT_NEAR(make_loss_options(settings, three_classes(), 640).class_gain,
                entry["scaled_hyp"]["cls"].get<double>(), 1e-15);
  }
}

TEST(ScheduleVectors, EmaDecay) {
  const auto index = golden::json("schedule/index.json");
  const Ema ema(DetectionModel(golden::model_description("shallow"), {}));
  for (const auto& [updates, decay] : index["ema_decay"].items())
    EXPECT_NEAR(ema.decay(std::stoll(updates)), decay.get<double>(), 1e-12);
}

Settings settings_of(const nlohmann::json& json) {
  Settings settings;
  const auto& hyp = json["hyp"];
  settings.train.epochs = json["epochs"];
  settings.train.batch_size = json["batch_size"];
  settings.train.compat = "original";
  settings.train.optimizer = hyp["optimizer"] == "adam" ? "adam" : "sgd";
  settings.hyp.lr0 = hyp["lr0"];
  settings.hyp.momentum = hyp["momentum"];
  settings.hyp.weight_decay = hyp["weight_decay"];
  settings.hyp.giou = hyp["giou"];
  settings.hyp.cls = hyp["cls"];
  settings.hyp.obj = hyp["obj"];
  return settings;
}

struct RunCase {
  std::string name, precision;
  torch::Dtype dtype;
  double loss_tolerance, tolerance;
};

class Trajectory : public ::testing::TestWithParam<RunCase> {};

TEST_P(Trajectory, EveryStepEqualsTheOriginal) {
  const RunCase& run = GetParam();
  const auto json = golden::json("trajectory/" + run.name + ".json");
  const golden::Vector expected("trajectory/" + run.name + "." + run.precision),
      inputs("trajectory/inputs");
  const Settings settings = settings_of(json);
  ScheduleOptions schedule_options = make_schedule_options(settings, json["batches_per_epoch"]);
  if (json["warmup_iterations"] != 1000) schedule_options.min_warmup_steps = 0;
  const Schedule schedule(schedule_options);
  const DetectionLoss loss(make_loss_options(settings, three_classes(), 64));
  const auto comm = make_single_process();
  Placement placement;
  placement.device = golden::test_device();
  placement.parameters = placement.compute = run.dtype;
  placement.memory_format = torch::MemoryFormat::Contiguous;

  TrainState state;
  state.model =
      std::make_shared<DetectionModel>(golden::model_description("shallow"), ModelOptions{});
  ASSERT_TRUE(load_state(*state.model, inputs.below("initial/"), false).missing.empty());
  place_model(*state.model, placement);
  state.model->train();
  state.ema = std::make_unique<Ema>(*state.model);
  state.optimizer =
      make_optimizer(*state.model, {settings.train.optimizer, settings.hyp.lr0,
                                    settings.hyp.momentum, scaled_weight_decay(settings)});
  TrainStep step(state, schedule, loss, placement, *comm);

  const auto batches = json["batches_per_epoch"].get<std::int64_t>();
  const auto items = expected["items"];
  std::int64_t updates = 0;
  for (std::int64_t i = 0; i < items.size(0); ++i) {
    if (i % batches == 0) step.begin_epoch();
    step.run(golden::batch_of(inputs, static_cast<int>(i % batches)));
    ASSERT_TRUE(
        golden::near_by_columns(step.last_items(), items[i], {1, 1, 1, 1}, run.loss_tolerance))
        << "iteration " << i;
    ASSERT_EQ(step.last_plan().completes_update, expected["stepped"][i].item<bool>())
        << "iteration " << i;
    if (!step.last_plan().completes_update) continue;
    const StateDict live = state_dict(*state.model), average = state_dict(state.ema->model());
    const auto live_sums = golden::sums_of(live), ema_sums = golden::sums_of(average);
    for (std::size_t e = 0; e < live.size(); ++e) {
      const auto row = static_cast<std::int64_t>(e);
      ASSERT_TRUE(
          golden::near(live_sums[row], expected["step_state_sums"][updates][row], run.tolerance))
          << "update " << updates << ": first entry off is " << live[e].first;
      ASSERT_TRUE(
          golden::near(ema_sums[row], expected["step_ema_sums"][updates][row], run.tolerance))
          << "update " << updates << ": average of " << live[e].first;
    }
    ++updates;
  }
  EXPECT_GT(updates, 0);
  EXPECT_EQ(state.ema->updates(), json["ema_updates"].get<std::int64_t>());
  for (const auto& [name, tensor] : state_dict(*state.model))
    EXPECT_TRUE(golden::near(tensor, expected["final/" + name], run.tolerance)) << name;
  for (const auto& [name, tensor] : state_dict(state.ema->model()))
    EXPECT_TRUE(golden::near(tensor, expected["final_ema/" + name], run.tolerance)) << name;
}

// In float32 the gentle run stays comparable to the end: three times the original's own gap between
// precisions.
INSTANTIATE_TEST_SUITE_P(
    Runs, Trajectory,
    ::testing::Values(RunCase{"sgd", "f64", torch::kFloat64, 1e-6, 1e-6},
                      RunCase{"adam", "f64", torch::kFloat64, 1e-6, 1e-6},
                      RunCase{"sgd_gentle", "f64", torch::kFloat64, 1e-6, 1e-6},
                      RunCase{"sgd_as_shipped", "f64", torch::kFloat64, 1e-6, 1e-6},
                      RunCase{"sgd_gentle", "f32", torch::kFloat32, 3 * 5.41e-5, 3 * 4.54e-4}),
    [](const auto& test) { return test.param.name + "_" + test.param.precision; });

TEST(GradientVectors, EveryParameterOfTheNarrowModel) {
  const golden::Vector expected("trajectory/gradients.f64"), inputs("trajectory/inputs");
  DetectionModel model(golden::model_description("narrow"), {});
  load_state(model, golden::Vector("forward/narrow.weights").below(""), false);
  model.to(golden::test_device(), torch::kFloat64);
  model.train();
  const Settings settings = settings_of(golden::json("trajectory/sgd.json"));
  const Batch batch = golden::batch_of(inputs, 0);
  Placement placement;
  placement.device = golden::test_device();
  placement.parameters = placement.compute = torch::kFloat64;
  const auto raw = model.forward(prepare_images(batch, placement));
  DetectionLoss(make_loss_options(settings, three_classes(), 64))(raw, prepare_targets(batch),
                                                                  model.head())
      .total.backward();
  int compared = 0;
  for (const auto& [name, parameter] : named_parameters_in_order(model)) {
    for (const std::string& key : {name, "grad/" + name, "gradient/" + name}) {
      if (!expected.has(key)) continue;
      ASSERT_TRUE(golden::near(parameter.grad(), expected[key], 1e-6))
          << "first gradient off: " << name;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 191);
}

}  // namespace
}  // namespace gannet
