#include "gannet/train/optimizer.h"

#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include "gannet/core/error.h"
#include "gannet/io/torch_file.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using testing::make_model;

TEST(ParameterGroup, ByName) {
  EXPECT_EQ(parameter_group("model.0.conv.conv.weight"), 1);
  EXPECT_EQ(parameter_group("model.0.conv.bn.weight"), 0);
  EXPECT_EQ(parameter_group("model.0.conv.bn.bias"), 2);
  EXPECT_EQ(parameter_group("model.7.bias"), 2);
  EXPECT_EQ(parameter_group("model.3.w"), 0);
}

TEST(ApplyPlan, SetsRatesOfGroupsAndMomentumOfSgd) {
  const auto model = make_model("shallow");
  const auto sgd = make_optimizer(*model, {"sgd", 0.01, 0.9, 0.5});
  apply_plan(*sgd, {.lr = {0.1, 0.2, 0.3}, .momentum = 0.8});
  const auto& groups = sgd->param_groups();
  ASSERT_EQ(groups.size(), 3U);
  for (std::size_t g = 0; g < 3; ++g) {
    const auto& options = dynamic_cast<const torch::optim::SGDOptions&>(groups[g].options());
    EXPECT_DOUBLE_EQ(options.lr(), 0.1 * static_cast<double>(g + 1));
    EXPECT_EQ(options.momentum(), 0.8);
    EXPECT_EQ(options.weight_decay(), g == 1 ? 0.5 : 0);
    EXPECT_TRUE(options.nesterov());
  }
  const auto adam = make_optimizer(*model, {"adam", 0.01, 0.9, 0});
  apply_plan(*adam, {.lr = {0.1, 0.2, 0.3}, .momentum = 0.8});
  const auto& options =
      dynamic_cast<const torch::optim::AdamOptions&>(adam->param_groups()[2].options());
  EXPECT_DOUBLE_EQ(options.lr(), 0.3);
  EXPECT_EQ(options.betas(), std::make_tuple(0.9, 0.999));
}

void set_gradients(const DetectionModel& model, std::uint64_t seed) {
  for (auto& parameter : model.parameters())
    parameter.mutable_grad() = testing::random_tensor(parameter.sizes(), seed++) - 0.5;
}

class OptimizerState : public testing::TemporaryFolder,
                       public ::testing::WithParamInterface<const char*> {};

// Two steps, then a third by the same optimizer and by one that read the state from a file.
TEST_P(OptimizerState, RoundTripThroughAFileContinuesBitForBit) {
  const OptimizerOptions options{GetParam(), 0.01, 0.9, 0.001};
  const auto model = make_model("shallow");
  const auto optimizer = make_optimizer(*model, options);
  for (std::uint64_t step = 0; step < 2; ++step) {
    set_gradients(*model, 100 * step);
    optimizer->step();
  }
  save_torch_file(path("o.pt"), optimizer_state(*optimizer, *model));
  const auto copy = make_model("shallow");
  load_state(*copy, state_dict(*model), false);
  const auto continued = make_optimizer(*copy, options);
  load_optimizer_state(*continued, *copy, load_torch_file(path("o.pt")));
  for (const auto& [m, o] : {std::pair{model, optimizer.get()}, {copy, continued.get()}}) {
    set_gradients(*m, 777);
    o->step();
  }
  testing::expect_equal_states(*copy, *model);
}

INSTANTIATE_TEST_SUITE_P(Kinds, OptimizerState, ::testing::Values("sgd", "adam", "adamw"),
                         [](const auto& test) { return std::string(test.param); });

TEST(LoadOptimizerState, OtherShapesAreRefused) {
  const auto model = make_model("shallow"), other = make_model("shallow", {.num_classes = 9});
  const auto optimizer = make_optimizer(*model, {}), other_optimizer = make_optimizer(*other, {});
  set_gradients(*model, 1);
  optimizer->step();
  EXPECT_ERROR(kCheckpoint, "values, the parameter",
               load_optimizer_state(*other_optimizer, *other, optimizer_state(*optimizer, *model)));
}

TEST(ZeroGradients, KeepsTheBuffers) {
  const auto model = make_model("shallow");
  const auto optimizer = make_optimizer(*model, {});
  set_gradients(*model, 1);
  const auto buffer = model->parameters()[0].grad();
  zero_gradients(*optimizer);
  EXPECT_EQ(buffer.abs().max().item<double>(), 0);
  EXPECT_TRUE(model->parameters()[0].grad().is_same(buffer));
}

}  // namespace
}  // namespace gannet
