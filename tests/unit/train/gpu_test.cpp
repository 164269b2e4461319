// What only a GPU can show. Vectors on a GPU: GANNET_TEST_DEVICE=cuda:0 parity_tests.
#include <gtest/gtest.h>
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "gannet/dist/process_group.h"
#include "gannet/ops/accelerator.h"
#include "gannet/train/ema.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/step.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/thrown_error.h"
#include "tests/unit/train/counted_batches.h"

namespace gannet {
namespace {

using testing::global_batch;

/// Steps of a small model on a device.
class SmallRun {
 public:
  SmallRun(const std::string& device, const std::string& precision, bool synchronised = false)
      : placement_(resolve_placement(device, precision)), comm_(make_single_process()) {
    ScheduleOptions options;
    options.batches_per_epoch = 5;
    options.total_batch = 64;  // each batch completes an update
    options.min_warmup_steps = 0;
    schedule_ = std::make_unique<Schedule>(options);
    state.model = testing::make_model("shallow", {.seed = 5});
    place_model(*state.model, placement_);
    state.model->train();
    state.ema = std::make_unique<Ema>(*state.model);
    state.optimizer = make_optimizer(*state.model, {"sgd", 0.01, 0.9, 5e-4});
    state.scaler.enabled = placement_.compute == torch::kFloat16;
    StepOptions step_options;
    if (synchronised) {
      step_options.norm_sync = std::make_shared<NormSync>(NormSync{*comm_});
      state.model->synchronise_norms(step_options.norm_sync);
    }
    step = std::make_unique<TrainStep>(state, *schedule_, loss_, placement_, *comm_, step_options);
  }

  double run(int number, int images = 6, int side = 64) {
    step->begin_epoch();
    step->run(global_batch(number, images, side));
    step->count_last_step();
    return step->mean_items()[3];
  }

  TrainState state;
  std::unique_ptr<TrainStep> step;

 private:
  Placement placement_;
  std::shared_ptr<Communicator> comm_;
  std::unique_ptr<Schedule> schedule_;
  DetectionLoss loss_{LossOptions{}};
};

class Gpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "this machine has no GPU";
  }
};

double distance(const DetectionModel& a, const DetectionModel& b) {
  const StateDict first = state_dict(a), second = state_dict(b);
  double most = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto x = first[i].second.to(torch::kCPU, torch::kFloat64),
               y = second[i].second.to(torch::kCPU, torch::kFloat64);
    most = std::max(most, ((x - y).abs().max() / y.abs().max().clamp_min(1e-6)).item<double>());
  }
  return most;
}

TEST_F(Gpu, StepsEqualThoseOfTheCpu) {
  for (const bool synchronised : {false, true}) {
    SmallRun cpu("cpu", "fp32", synchronised), gpu("0", "fp32", synchronised);
    for (int i = 0; i < 3; ++i) EXPECT_NEAR(gpu.run(i) / cpu.run(i), 1, 1e-4) << "step " << i;
    EXPECT_LT(distance(*gpu.state.model, *cpu.state.model), 5e-3);
    EXPECT_LT(distance(gpu.state.ema->model(), cpu.state.ema->model()), 5e-3);
  }
}

TEST_F(Gpu, HalfPrecisionIsNearSingle) {
  SmallRun single("0", "fp32"), half("0", "fp16"), brain("0", "bf16");
  const double expected = single.run(0);
  EXPECT_NEAR(half.run(0) / expected, 1, 0.02);
  EXPECT_NEAR(brain.run(0) / expected, 1, 0.05);
}

TEST_F(Gpu, OverflowSkipsTheUpdateAndHalvesTheScale) {
  SmallRun run("0", "fp16");
  run.state.scaler.scale = 1e30;
  const auto before = testing::make_model("shallow", {.seed = 5});
  run.run(0);
  EXPECT_EQ(run.state.scaler.scale, 5e29);
  EXPECT_EQ(run.state.ema->updates(), 0);
  for (const auto& [name, parameter] : named_parameters_in_order(*run.state.model))
    EXPECT_TRUE(torch::equal(parameter.cpu(), testing::entry(*before, name))) << name;
  run.state.scaler.scale = 1024;
  EXPECT_TRUE(std::isfinite(run.run(1)));
  EXPECT_EQ(run.state.ema->updates(), 1);
}

TEST_F(Gpu, MemoryStaysFlat) {
  SmallRun run("0", "fp16");
  for (int i = 0; i < 20; ++i) run.run(i % 4);
  const double early = peak_device_memory_gib({torch::kCUDA, 0});
  for (int i = 0; i < 200; ++i) run.run(i % 4);
  EXPECT_LE(peak_device_memory_gib({torch::kCUDA, 0}), early * 1.01);
}

TEST_F(Gpu, NcclServesAWorldOfOne) {
  WorldSpec world;
  world.port = 29731;
  ProcessGroupOptions options;
  options.gpus = GpuLinks::kNccl;
  const auto comm = join_process_group(world, options);
  const auto sum = comm->sum("test", torch::full({1000}, 3.0F, torch::Device(torch::kCUDA, 0)));
  EXPECT_TRUE(sum.is_cuda());
  EXPECT_EQ(sum.sum().item<float>(), 3000);
  const auto model = testing::make_model("shallow", {.seed = 5});
  place_model(*model, resolve_placement("0", "fp32"));
  const auto reducer = comm->reduce_gradients(model->parameters(), GradientCompression::kNone);
  const auto raw = model->forward(torch::rand({2, 3, 64, 64}, torch::Device(torch::kCUDA, 0)));
  auto sum_of_outputs = raw[0].sum();
  for (std::size_t level = 1; level < raw.size(); ++level)
    sum_of_outputs = sum_of_outputs + raw[level].sum();
  reducer->backward(sum_of_outputs);
  for (const auto& p : model->parameters()) EXPECT_TRUE(p.grad().isfinite().all().item<bool>());
}

}  // namespace
}  // namespace gannet
