// Release 7.0's training: groups, biases, averages, rates over long runs, and whole runs.
#include "gannet/train/ema.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/run_model.h"
#include "gannet/train/run_options.h"
#include "gannet/train/step.h"
#include "tests/parity/golden.h"
#include "tests/parity/training_vectors.h"

namespace gannet {
namespace {

/// The recipe with what a vector's run was started with.
Settings settings_of(const nlohmann::json& json) {
  Settings settings;
  apply_recipe(settings, "v7");
  settings.train.compat = "original";
  for (const auto& [key, value] : json["hyp"].items()) {
    if (key != "iou_t") assign_setting(settings, key == "box" ? "giou" : key, value.dump());
  }
  settings.train.epochs = json["epochs"];
  settings.hyp.warmup_iterations = 0;  // what the vectors name holds the floor already
  return settings;
}

TEST(Release7, BiasesExpectFewObjects) {
  const auto vectors = golden::json("release7/training.json");
  for (const auto& entry : vectors["bias_offsets"]) {
    for (std::size_t l = 0; l < entry["strides"].size(); ++l) {
      const BiasOffsets offsets =
          head_bias_offsets(entry["strides"][l], entry["nc"], Generation::kRelease7);
      EXPECT_NEAR(offsets.objectness, entry["objectness"][l].get<double>(), 1e-6);
      EXPECT_NEAR(offsets.classes, entry["class"].get<double>(), 1e-6) << entry["nc"];
    }
  }
}

TEST(Release7, GroupsOfTheOptimizer) {
  const auto expected = golden::json("release7/training.json")["optimizer"];
  const DetectionModel model(golden::model_description("narrow-v7"), {});
  std::vector<std::vector<std::string>> groups(kNumGroups);  // there: biases, decayed, norms
  for (const auto& [name, parameter] : named_parameters_in_order(model))
    groups[static_cast<std::size_t>(kNumGroups - 1 - parameter_group(name))].push_back(name);
  EXPECT_EQ(nlohmann::json(groups), expected["parameters_per_group"]);
}

TEST(Release7, DecayOfTheAverage) {
  const Ema ema(DetectionModel(golden::model_description("shallow"), {}));
  const auto vectors = golden::json("release7/training.json");
  for (const auto& [updates, decay] : vectors["ema_decay"].items())
    EXPECT_NEAR(ema.decay(std::stoll(updates)), decay.get<double>(), 1e-12);
}

TEST(Release7, RatesMomentumAccumulationAndSteps) {
  const auto index = golden::json("release7/schedule/index.json");
  for (const auto& [name, entry] : index["cases"].items()) {
    SCOPED_TRACE(name);
    const golden::Vector vector("release7/schedule/" + name);
    Settings settings = settings_of(entry);
    settings.train.batch_size = entry["total_batch"];
    settings.train.linear_lr = !entry["cosine"].get<bool>();
    settings.train.optimizer = entry["optimizer"] == "SGD" ? "sgd" : "adam";
    settings.hyp.warmup_iterations = 100;
    ScheduleOptions options = make_schedule_options(settings, entry["batches_per_epoch"]);
    options.first_epoch = entry["first_epoch"];
    const Schedule schedule(options);
    EXPECT_EQ(schedule.warmup_steps(), entry["warmup_iterations"].get<std::int64_t>());
    EXPECT_NEAR(scaled_weight_decay(settings), entry["scaled"]["weight_decay"].get<double>(),
                1e-15);
    const auto ni = vector["ni"], lr = vector["lr"], momentum = vector["momentum"],
               accumulate = vector["accumulate"], stepped = vector["stepped"];
    std::int64_t steps = 0;
    for (std::int64_t i = 0; i < ni.size(0); ++i) {
      const StepPlan plan = schedule.at(ni[i].item<std::int64_t>());
      for (std::int64_t g = 0; g < kNumGroups; ++g)
        ASSERT_NEAR(plan.lr[static_cast<std::size_t>(g)], lr[i][kNumGroups - 1 - g].item<double>(),
                    1e-12)
            << "iteration " << plan.iteration << " group " << g;
      ASSERT_NEAR(plan.momentum, momentum[i].item<double>(), 1e-12) << plan.iteration;
      ASSERT_EQ(plan.accumulate, accumulate[i].item<double>()) << plan.iteration;
      ASSERT_EQ(plan.completes_update, stepped[i].item<bool>()) << plan.iteration;
      steps += plan.completes_update;
    }
    EXPECT_EQ(steps, entry["steps"].get<std::int64_t>());
  }
}

struct RunCase {
  std::string name, precision;
  torch::Dtype dtype;
};

class Release7Run : public ::testing::TestWithParam<RunCase> {
 protected:
  /// What an iteration may be off: a multiple of how far a disturbance has grown by then.
  double tolerance(const nlohmann::json& json, std::int64_t iteration) const {
    const auto at = static_cast<std::size_t>(iteration);
    if (GetParam().dtype == torch::kFloat64)
      return std::max(100 * json["growth_of_a_1e-14_disturbance_of_the_labels"][at].get<double>(),
                      1e-10);
    if (GetParam().name == "sgd_gentle") return 1e-5;
    return std::max(3 * json["relative_gap_f32_f64"][at].get<double>(), 1e-5);
  }
};

TEST_P(Release7Run, EveryStepEqualsTheOriginal) {
  const RunCase& run = GetParam();
  const auto json = golden::json("release7/trajectory/" + run.name + ".json");
  const golden::Vector expected("release7/trajectory/" + run.name + "." + run.precision),
      inputs("trajectory/inputs");
  Settings settings = settings_of(json);
  settings.train.batch_size = json["batch_size"];
  settings.train.linear_lr = !json["options"].value("cos_lr", false);
  settings.train.label_smoothing = json["options"].value("label_smoothing", 0.0);
  settings.train.optimizer = json["options"].contains("optimizer") ? "adamw" : "sgd";
  settings.hyp.warmup_iterations = json["warmup_iterations"];
  Placement placement;
  placement.device = golden::test_device();
  placement.parameters = placement.compute = run.dtype;
  placement.memory_format = torch::MemoryFormat::Contiguous;

  TrainState state;
  state.model =
      std::make_shared<DetectionModel>(golden::model_description("narrow-v7"),
                                       ModelOptions{.num_classes = 3, .dry_run_statistics = true});
  {
    const torch::NoGradGuard no_grad;
    for (const auto& [name, tensor] : state_dict(*state.model)) golden::fill_by_rule(name, tensor);
  }
  place_model(*state.model, placement);
  state.model->train();
  state.ema = std::make_unique<Ema>(*state.model);
  round_to_half(*state.model);
  state.optimizer =
      make_optimizer(*state.model, {settings.train.optimizer, settings.hyp.lr0,
                                    settings.hyp.momentum, scaled_weight_decay(settings)});
  const Schedule schedule(make_schedule_options(settings, json["batches_per_epoch"]));
  const DetectionLoss loss(make_loss_options(settings, state.model->head(), json["image_size"]));
  const auto comm = make_single_process();
  StepOptions step_options;
  step_options.clip_gradients = settings.hyp.clip_grad;
  TrainStep step(state, schedule, loss, placement, *comm, step_options);

  const auto batches = json["batches_per_epoch"].get<std::int64_t>();
  const auto items = expected["items"];
  std::int64_t updates = 0;
  for (std::int64_t i = 0; i < items.size(0); ++i) {
    if (i % batches == 0) step.begin_epoch();
    step.run(golden::batch_of(inputs, static_cast<int>(i % batches)));
    ASSERT_TRUE(golden::near_by_columns(step.last_items().slice(0, 0, 3), items[i], {1, 1, 1},
                                        tolerance(json, i)))
        << "iteration " << i;
    ASSERT_EQ(step.last_plan().completes_update, expected["stepped"][i].item<bool>())
        << "iteration " << i;
    if (!step.last_plan().completes_update) continue;
    if (expected.has("step_state_sums")) {
      const StateDict live = state_dict(*state.model), average = state_dict(state.ema->model());
      const auto live_sums = golden::sums_of(live), ema_sums = golden::sums_of(average);
      for (std::size_t e = 0; e < live.size(); ++e) {
        const auto row = static_cast<std::int64_t>(e);
        const double allowed = tolerance(json, i);
        ASSERT_TRUE(
            golden::near(live_sums[row], expected["step_state_sums"][updates][row], allowed))
            << "update " << updates << ": first entry off is " << live[e].first;
        ASSERT_TRUE(golden::near(ema_sums[row], expected["step_ema_sums"][updates][row], allowed))
            << "update " << updates << ": average of " << live[e].first;
      }
    }
    ++updates;
  }
  EXPECT_EQ(state.ema->updates(), json["ema_updates"].get<std::int64_t>());
  for (const auto& [name, tensor] : state_dict(*state.model))
    if (expected.has("final/" + name))
      EXPECT_TRUE(golden::near(tensor, expected["final/" + name], 1e-6)) << name;
  for (const auto& [name, tensor] : state_dict(state.ema->model()))
    if (expected.has("final_ema/" + name))
      EXPECT_TRUE(golden::near(tensor, expected["final_ema/" + name], 1e-6)) << name;
}

INSTANTIATE_TEST_SUITE_P(Runs, Release7Run,
                         ::testing::Values(RunCase{"sgd", "f64", torch::kFloat64},
                                           RunCase{"sgd_gentle", "f64", torch::kFloat64},
                                           RunCase{"sgd_short_warmup", "f64", torch::kFloat64},
                                           RunCase{"adamw", "f64", torch::kFloat64},
                                           RunCase{"sgd", "f32", torch::kFloat32},
                                           RunCase{"sgd_gentle", "f32", torch::kFloat32},
                                           RunCase{"adamw", "f32", torch::kFloat32}),
                         [](const auto& test) {
                           return test.param.name + "_" + test.param.precision;
                         });

}  // namespace
}  // namespace gannet
