#include "gannet/nn/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/nn/vector_models.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using testing::entry;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_model;
using testing::random_tensor;

TEST(DetectionModel, RawPredictionsPerLevel) {
  const auto model = make_model("shallow");
  EXPECT_EQ(model->max_stride(), 32);
  EXPECT_THAT(model->head().strides, ElementsAre(32, 16, 8));
  const auto raw = model->forward(random_tensor({2, 3, 64, 96}, 1));
  ASSERT_EQ(raw.size(), 3U);
  EXPECT_EQ(raw[0].sizes(), (torch::IntArrayRef{2, 3, 2, 3, 8}));
  EXPECT_EQ(raw[2].sizes(), (torch::IntArrayRef{2, 3, 8, 12, 8}));
}

TEST(DetectionModel, InitialWeightsDependOnSeedAndNameOnly) {
  const auto model = make_model("shallow", {.seed = 5});
  torch::manual_seed(99);  // torch's own numbers play no part
  testing::expect_equal_states(*model, *make_model("shallow", {.seed = 5}));
  const auto other_seed = make_model("shallow", {.seed = 6});
  const auto other_head = make_model("shallow", {.num_classes = 7, .seed = 5});
  for (const std::string name :
       {"model.0.conv.conv.weight", "model.5.conv.weight", "model.14.conv.weight"}) {
    ASSERT_TRUE(entry(*model, name).defined()) << name;
    EXPECT_FALSE(torch::equal(entry(*model, name), entry(*other_seed, name))) << name;
    EXPECT_TRUE(torch::equal(entry(*model, name), entry(*other_head, name))) << name;
  }
}

// In deterministic mode torch fills new memory with NaN.
TEST(DetectionModel, NoEntryIsLeftUninitialised) {
  at::globalContext().setDeterministicAlgorithms(true, true);
  std::string text = testing::vector_description("shallow").text;
  const std::string conv = "  - [-1, 1, Conv, [16, 3, 2]]\n";
  text.replace(text.find(conv), conv.size(),
               "  - [-1, 1, nn.Conv2d, [16, 3, 2, 1]]\n");  // not an output convolution
  const DetectionModel model(parse_model_description(text, "m.yaml"), {});
  at::globalContext().setDeterministicAlgorithms(false, false);
  for (const auto& [name, tensor] : state_dict(model))
    EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
}

TEST(DetectionModel, HeadBiasesExpectFewObjects) {
  const BiasOffsets offsets = head_bias_offsets(32, 80);
  EXPECT_NEAR(offsets.objectness, std::log(8.0 / 400), 1e-12);  // eight objects on 20 x 20 cells
  EXPECT_NEAR(offsets.classes, std::log(0.6 / 79.01), 1e-12);
  const auto model = make_model("shallow");
  const auto bias = entry(*model, "model.7.bias").view({3, 8});
  EXPECT_LT(bias.select(1, 4).max().item<double>(), -3);
  EXPECT_GT(bias.slice(1, 0, 4).min().item<double>(), -1);
}

TEST(DetectionModel, FuseKeepsTheOutput) {
  for (const char* name : {"narrow", "narrow-v7", "every-module"}) {
    const auto model = make_model(name);
    testing::disturb_norms(*model);
    model->eval();
    const torch::NoGradGuard no_grad;
    const auto images = random_tensor({1, 3, 64, 64}, 2);
    const auto before = model->forward(images);
    const auto entries = state_dict(*model).size();
    model->fuse();
    EXPECT_LT(state_dict(*model).size(), entries) << name;
    const auto after = model->forward(images);
    for (std::size_t l = 0; l < before.size(); ++l) {
      const double scale = before[l].abs().max().item<double>();
      EXPECT_LT((after[l] - before[l]).abs().max().item<double>(), 1e-4 * scale)
          << name << " level " << l;
    }
  }
}

TEST(DetectionModel, TraceSeesEveryLayer) {
  const auto model = make_model("shallow");
  model->eval();  // one cell is too little for statistics
  std::vector<int> seen;
  model->forward(random_tensor({1, 3, 32, 32}, 3),
                 [&](int layer, const std::vector<torch::Tensor>&) { seen.push_back(layer); });
  ASSERT_EQ(seen.size(), model->plan().layers.size());
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], static_cast<int>(i));
}

TEST(LoadState, ReportsWhatDidNotFit) {
  const auto model = make_model("shallow");
  StateDict source = state_dict(*make_model("shallow", {.seed = 3}));
  const auto total = static_cast<std::int64_t>(source.size());
  EXPECT_EQ(source[0].first, "model.0.conv.conv.weight");
  source[0].second = torch::zeros({1, 2});
  source[1].first = "elsewhere";
  const auto kept = entry(*model, "model.0.conv.conv.weight").clone();
  const TransferReport report = load_state(*model, source, false);
  EXPECT_EQ(report.total, total);
  EXPECT_EQ(report.transferred, total - 2);
  EXPECT_THAT(report.mismatched,
              ElementsAre(::testing::AllOf(HasSubstr("model.0.conv.conv.weight"), HasSubstr("1x2"),
                                           HasSubstr("8x12x3x3"))));
  EXPECT_THAT(report.missing, ElementsAre("model.0.conv.bn.weight"));
  EXPECT_THAT(report.unused, ElementsAre("elsewhere"));
  EXPECT_TRUE(torch::equal(entry(*model, "model.0.conv.conv.weight"), kept));
  EXPECT_THAT(report.summary(), HasSubstr("tensors transferred; 1 of another shape"));
}

TEST(LoadState, AnotherClassCountLeavesAFreshHead) {
  for (const std::string name : {"narrow", "narrow-v7"}) {
    const auto model = make_model(name), source = make_model(name, {.num_classes = 7, .seed = 1});
    const TransferReport report = load_state(*model, state_dict(*source), true);
    EXPECT_EQ(report.source_classes, 7) << name;
    EXPECT_EQ(report.mismatched.size(), 6U) << name;
    EXPECT_THAT(
        report.summary(),
        HasSubstr("7 classes in the file, 3 here: the head is made anew; 6 of another shape: "));
    EXPECT_THAT(report.summary(), HasSubstr("36x16x1x1 in the file, 24x16x1x1 here"));
    EXPECT_THAT(report.summary(), HasSubstr(" and 3 more"));
  }
  EXPECT_EQ(
      load_state(*make_model("narrow"), state_dict(*make_model("narrow")), true).source_classes, 0);
}

TEST(LoadState, RowsOfTheHeadGoToTheirClasses) {
  for (const std::string name : {"narrow", "narrow-v7"}) {
    const auto source = make_model(name, {.num_classes = 2, .seed = 1});
    const auto model = make_model(name, {.num_classes = 3, .seed = 2});
    const auto rows = [](const torch::nn::Module& m, const std::string& key) {
      const auto t = entry(m, key).detach().clone();
      return t.reshape({3, t.size(0) / 3, -1});  // anchors per cell, 5 + classes, inputs
    };
    std::string key;  // the output convolution of some level: its first axis is that of the head
    for (const auto& [entry_name, tensor] : state_dict(*model))
      if (tensor.dim() == 4 && tensor.size(0) == 3 * (5 + 3)) key = entry_name;
    const auto fresh = rows(*model, key), given = rows(*source, key);
    const StateDict fitted = match_head_classes(*model, state_dict(*source), {1, -1, 0});
    const TransferReport report = load_state(*model, fitted, true);
    EXPECT_THAT(report.mismatched, IsEmpty()) << name;
    EXPECT_EQ(report.body_transferred, report.body_total);
    const auto now = rows(*model, key);
    EXPECT_TRUE(torch::equal(now.slice(1, 0, 5), given.slice(1, 0, 5))) << name;
    EXPECT_TRUE(torch::equal(now.select(1, 5), given.select(1, 6))) << name;
    EXPECT_TRUE(torch::equal(now.select(1, 6), fresh.select(1, 6))) << name;
    EXPECT_TRUE(torch::equal(now.select(1, 7), given.select(1, 5))) << name;
  }
}

TEST(LoadState, AnchorsAreKeptOrTakenOver) {
  HeadSpec other = make_model("shallow")->head();
  for (auto& level : other.anchors_px)
    for (auto& anchor : level) anchor = {anchor[0] * 2, anchor[1] * 2};
  const auto source = make_model("shallow", {.seed = 3});
  source->detect().set_anchors(other);
  const auto model = make_model("shallow");
  const auto own = model->head().anchors_px;
  const TransferReport kept = load_state(*model, state_dict(*source), true);
  EXPECT_EQ(model->head().anchors_px, own);
  EXPECT_THAT(kept.missing, IsEmpty());
  EXPECT_THAT(kept.unused, IsEmpty());
  EXPECT_THAT(kept.kept, ElementsAre(HasSubstr("anchors"), HasSubstr("anchor_grid")));
  EXPECT_EQ(kept.transferred, kept.total - 2);
  load_state(*model, state_dict(*source), false);
  EXPECT_EQ(model->head().anchors_px, other.anchors_px);
  testing::expect_equal_states(*model, *source);
}

TEST(PlaceModel, ChangesFloatingTensorsOnly) {
  const auto model = make_model("shallow");
  Placement placement;
  placement.parameters = torch::kFloat64;
  place_model(*model, placement);
  for (const auto& [name, tensor] : state_dict(*model))
    EXPECT_EQ(tensor.scalar_type(),
              name.ends_with("num_batches_tracked") ? torch::kInt64 : torch::kFloat64)
        << name;
  EXPECT_TRUE(
      entry(*model, "model.1.conv.weight").is_contiguous(torch::MemoryFormat::ChannelsLast));
}

}  // namespace
}  // namespace gannet
