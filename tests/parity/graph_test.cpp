// Graphs, names, parameter counts, strides, anchors and initial biases of every model file.
#include <algorithm>
#include <cmath>

#include "gannet/nn/detect.h"
#include "gannet/train/optimizer.h"
#include "tests/parity/golden.h"

namespace gannet {
namespace {

class Graph : public ::testing::TestWithParam<const char*> {};

std::string short_name(const std::string& reference_module) {
  const std::string last = reference_module.substr(reference_module.rfind('.') + 1);
  return reference_module.starts_with("torch.nn") ? "nn." + last : last;
}

nlohmann::json to_json(const std::vector<ModelArg>& args) {
  struct Converter {
    nlohmann::json operator()(std::monostate) const { return nullptr; }
    nlohmann::json operator()(bool b) const { return b; }
    nlohmann::json operator()(std::int64_t i) const { return i; }
    nlohmann::json operator()(double d) const { return d; }
    nlohmann::json operator()(const std::string& s) const { return s; }
    nlohmann::json operator()(ModelSymbol) const { return "?"; }
    nlohmann::json operator()(const ModelArg::List& list) const { return to_json(list); }
  };
  auto json = nlohmann::json::array();
  for (const ModelArg& arg : args) json.push_back(std::visit(Converter{}, arg.value));
  return json;
}

TEST_P(Graph, LayersAndCountsEqualTheOriginal) {
  const std::string name = GetParam();
  const auto expected = golden::json("graph/" + name + ".json");
  DetectionModel model(golden::model_description(name), {.dry_run_statistics = true});
  const auto& layers = model.plan().layers;
  ASSERT_EQ(layers.size(), expected["layers"].size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& e = expected["layers"][i];
    SCOPED_TRACE("layer " + std::to_string(i) + ": " + e["printed"].get<std::string>());
    const nlohmann::json from = e["from"].is_array() ? nlohmann::json(layers[i].from)
                                                     : nlohmann::json(layers[i].from.front());
    EXPECT_EQ(from, e["from"]);
    EXPECT_EQ(layers[i].repeats, e["n"].get<int>());
    if (layers[i].module != "DWConv") EXPECT_EQ(layers[i].module, short_name(e["module"]));
    EXPECT_EQ(to_json(layers[i].args), e["args"]);
    EXPECT_EQ(model.num_parameters(static_cast<int>(i)), e["params"].get<std::int64_t>());
  }
  auto save =
      expected["save"].get<std::vector<int>>();  // the original lists a layer again for each use
  save.erase(std::unique(save.begin(), save.end()), save.end());
  EXPECT_EQ(model.plan().save, save);
  EXPECT_EQ(nlohmann::json(model.head().strides), expected["stride"]);
  std::int64_t parameters = 0, tensors = 0;
  std::array<std::int64_t, 3> groups{};
  for (const auto& [key, p] : named_parameters_in_order(model)) {
    parameters += p.numel();
    ++tensors;
    ++groups[static_cast<std::size_t>(parameter_group(key))];
  }
  EXPECT_EQ(parameters, expected["params"].get<std::int64_t>());
  EXPECT_EQ(tensors, expected["param_tensors"].get<std::int64_t>());
  EXPECT_EQ(groups[2], expected["optimizer_group_sizes"]["bias"].get<std::int64_t>());
  EXPECT_EQ(groups[1], expected["optimizer_group_sizes"]["decayed"].get<std::int64_t>());
  EXPECT_EQ(groups[0], expected["optimizer_group_sizes"]["other"].get<std::int64_t>());
}

TEST_P(Graph, StateNamesShapesAndOrderEqualTheOriginal) {
  const std::string name = GetParam();
  DetectionModel model(golden::model_description(name), {});
  const auto expected = golden::json("graph/" + name + ".state.json");
  const StateDict state = state_dict(model);
  ASSERT_EQ(state.size(), expected.size());
  for (std::size_t i = 0; i < state.size(); ++i) {
    ASSERT_EQ(state[i].first, expected[i][0].get<std::string>()) << "entry " << i;
    EXPECT_EQ(state[i].second.sizes().vec(), expected[i][1].get<std::vector<std::int64_t>>())
        << state[i].first;
    const bool is_float = expected[i][2] == "float32";
    EXPECT_EQ(state[i].second.scalar_type(), is_float ? torch::kFloat32 : torch::kInt64)
        << state[i].first;
  }
}

TEST_P(Graph, HeadAndNormsEqualTheOriginal) {
  const std::string name = GetParam();
  const auto expected = golden::json("graph/" + name + ".json");
  DetectionModel model(golden::model_description(name), {.dry_run_statistics = true});
  const auto anchors =
      expected["detect"]["anchors_px"].get<std::vector<std::vector<std::array<float, 2>>>>();
  EXPECT_EQ(model.head().anchors_px, anchors);
  const auto& offsets = expected["bias_offsets"];
  for (std::size_t l = 0; l < offsets.size(); ++l) {
    const BiasOffsets actual = head_bias_offsets(model.head().strides[l], model.head().num_classes);
    EXPECT_NEAR(actual.objectness, offsets[l]["objectness"].get<double>(), 2e-6);
    EXPECT_NEAR(actual.classes, offsets[l]["class"].get<double>(), 2e-6);
  }
  std::int64_t norms = 0;
  for (const auto& [key, tensor] : state_dict(model)) {
    if (key.ends_with("running_var")) {
      ++norms;
      EXPECT_FLOAT_EQ(tensor.max().item<float>(), 0.9f) << key;
    }
    if (key.ends_with("num_batches_tracked")) EXPECT_EQ(tensor.item<std::int64_t>(), 1) << key;
  }
  EXPECT_EQ(norms, expected["batchnorm"]["count"].get<std::int64_t>());
  const bool fuses = expected["fused"].contains("params");
  EXPECT_EQ(fuses, name != "every-module");
  if (!fuses) return;
  model.fuse();
  std::int64_t parameters = 0;
  for (const auto& p : model.parameters()) parameters += p.numel();
  EXPECT_EQ(parameters, expected["fused"]["params"].get<std::int64_t>());
  EXPECT_EQ(static_cast<std::int64_t>(model.parameters().size()),
            expected["fused"]["param_tensors"].get<std::int64_t>());
}

INSTANTIATE_TEST_SUITE_P(Models, Graph,
                         ::testing::Values("narrow", "narrow-fpn", "narrow-spp", "every-module",
                                           "shallow", "yolov5s", "yolov5m", "yolov5l", "yolov5x",
                                           "yolov3-spp", "yolov5-fpn", "yolov5-panet"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name)
                             if (c == '-') c = '_';
                           return name;
                         });

TEST(GraphSpecialCases, HiddenLayersAsWideAsTheHeadAreNoHeadInputs) {
  const auto rows = golden::json("graph/special_cases.json");
  int compared = 0;
  for (const auto& row : rows) {
    if (row.value("quirk", "") != "Q42") continue;
    ++compared;
    const ModelPlan plan = plan_model(golden::model_description(row["model"]), row["nc"]);
    EXPECT_EQ(plan.layers.back().inputs.size(), 3u) << row["model"] << " nc " << row["nc"];
  }
  EXPECT_GT(compared, 0);
}

TEST(GraphSpecialCases, AbsoluteFromTakesTheChannelsOfThatLayer) {
  ModelDescription description = golden::model_description("narrow");
  description.layers[4].from = {3};
  const ModelPlan plan = plan_model(description);
  EXPECT_EQ(std::get<std::int64_t>(plan.layers[4].args[0].value), 16);
}

TEST(GraphSpecialCases, OtherClassCounts) {
  const auto rows = golden::json("graph/special_cases.json");
  int compared = 0;
  for (const auto& row : rows) {
    if (row.value("what", "") != "yolov5s bias offsets") continue;
    ++compared;
    const int nc = row["nc"];
    DetectionModel model(golden::model_description("yolov5s"), {.num_classes = nc});
    std::int64_t parameters = 0;
    for (const auto& p : model.parameters()) parameters += p.numel();
    EXPECT_EQ(parameters, row["params"].get<std::int64_t>());
    EXPECT_NEAR(head_bias_offsets(32, nc).classes, row["offsets"][0]["class"].get<double>(), 2e-6);
  }
  EXPECT_GT(compared, 0);
}

// Counts that release 7.0 prints for its models after fusing.
TEST(GraphRelease7, FusedParameterCounts) {
  const std::pair<const char*, std::int64_t> expected[] = {
      {"yolov5n-v7", 1867405},   {"yolov5s-v7", 7225885},   {"yolov5m-v7", 21172173},
      {"yolov5l-v7", 46533693},  {"yolov5x-v7", 86705005},  {"yolov5n6-v7", 3239884},
      {"yolov5s6-v7", 12612508}, {"yolov5m6-v7", 35704908}, {"yolov5l6-v7", 76726332},
      {"yolov5x6-v7", 140730220}};
  for (const auto& [name, count] : expected) {
    DetectionModel model(golden::model_description(name), {});
    model.fuse();
    std::int64_t parameters = 0;
    for (const auto& p : model.parameters()) parameters += p.numel();
    EXPECT_EQ(parameters, count) << name;
  }
}

}  // namespace
}  // namespace gannet
