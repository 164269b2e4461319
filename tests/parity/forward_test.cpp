// Whole networks, layer by layer: training, evaluation, fused and augmented passes.
#include <cmath>

#include "gannet/predict/predictor.h"
#include "tests/parity/golden.h"

namespace gannet {
namespace {

struct Precision {
  const char* prefix;
  torch::Dtype dtype;
  double forward, training;
};
constexpr Precision kPrecisions[] = {{"f64", torch::kFloat64, 1e-9, 1e-9},
                                     {"f32", torch::kFloat32, 1e-4, 1e-3}};

std::shared_ptr<DetectionModel> load(const std::string& name, torch::Dtype dtype) {
  auto model = std::make_shared<DetectionModel>(golden::model_description(name), ModelOptions{});
  const TransferReport report =
      load_state(*model, golden::Vector("forward/" + name + ".weights").below(""), false);
  EXPECT_TRUE(report.missing.empty() && report.mismatched.empty() && report.unused.empty())
      << report.summary();
  model->to(golden::test_device(), dtype);
  return model;
}

// Compares each layer's outputs with recorded sums; stops at the first that is off.
LayerTrace compare_layers(const nlohmann::json& expected, double tolerance, bool& stopped) {
  return [&expected, tolerance, &stopped](int index, const std::vector<torch::Tensor>& outputs) {
    const auto& recorded = expected.at(static_cast<std::size_t>(index))["outputs"];
    if (recorded.size() != outputs.size()) return;  // the head in evaluation: compared decoded
    for (std::size_t i = 0; i < recorded.size() && !stopped; ++i) {
      golden::AtLeast::count();
      const auto y = outputs[i].detach().to(torch::kFloat64).contiguous();
      const double sum = y.abs().sum().item<double>(), wanted = recorded[i]["abs_sum"];
      const auto shape = recorded[i]["shape"].get<std::vector<std::int64_t>>();
      stopped = std::abs(sum - wanted) > tolerance * std::max(std::abs(wanted), 1.0) ||
                y.sizes().vec() != shape;
      const double deviation = y.std(false).item<double>(), wanted_deviation = recorded[i]["std"];
      stopped = stopped || std::abs(deviation - wanted_deviation) >
                               tolerance * std::max(wanted_deviation, 1.0);
      EXPECT_FALSE(stopped) << "first layer that is off: " << index << " ("
                            << expected.at(static_cast<std::size_t>(index))["module"]
                            << "), sum of magnitudes " << sum << ", expected " << wanted;
    }
  };
}

class Forward : public ::testing::TestWithParam<const char*> {};

TEST_P(Forward, Training) {
  const std::string name = GetParam();
  const golden::Vector vector("forward/" + name);
  const auto json = golden::json("forward/" + name + ".json");
  for (const Precision& p : kPrecisions) {
    SCOPED_TRACE(p.prefix);
    // Layers and levels; running statistics are recorded in float32.
    const golden::AtLeast compared(p.dtype == torch::kFloat32 ? 90 : 25);
    auto model = load(name, p.dtype);
    model->train();
    bool stopped = false;
    const auto raw = model->forward(
        vector["input"].to(p.dtype),
        compare_layers(json[std::string("layers_") + p.prefix]["train"], p.training, stopped));
    for (std::size_t l = 0; l < raw.size(); ++l)
      EXPECT_TRUE(golden::near_predictions(
          raw[l], vector[std::string(p.prefix) + "/train/raw." + std::to_string(l)], p.training))
          << "level " << l;
    for (const auto& [key, tensor] : state_dict(*model)) {
      const std::string after = std::string(p.prefix) + "/train/after/" + key;
      if (vector.has(after)) EXPECT_TRUE(golden::near(tensor, vector[after], p.training)) << key;
    }
  }
}

TEST_P(Forward, Evaluation) {
  const std::string name = GetParam();
  const golden::Vector vector("forward/" + name);
  const auto json = golden::json("forward/" + name + ".json");
  const torch::NoGradGuard no_grad;
  for (const Precision& p : kPrecisions) {
    SCOPED_TRACE(p.prefix);
    const std::string prefix = p.prefix;
    const golden::AtLeast compared(30);  // layers, levels and decoded results in groups
    auto model = load(name, p.dtype);
    model->eval();
    bool stopped = false;
    const auto input = vector["input"].to(p.dtype);
    const auto raw =
        model->forward(input, compare_layers(json["layers_" + prefix]["eval"], p.forward, stopped));
    for (std::size_t l = 0; l < raw.size(); ++l)
      EXPECT_TRUE(golden::near_predictions(
          raw[l], vector[prefix + "/eval/raw." + std::to_string(l)], p.forward))
          << "level " << l;
    EXPECT_TRUE(golden::near_predictions(decode(raw, model->head()),
                                         vector[prefix + "/eval/decoded"], p.forward));

    Placement placement;
    placement.device = golden::test_device();
    placement.parameters = placement.compute = p.dtype;
    const auto augmented =
        Predictor(*model, placement, {.augment = true}).forward(input).decoded_BNV;
    if (vector.has(prefix + "/augment/decoded"))
      EXPECT_TRUE(
          golden::near_predictions(augmented, vector[prefix + "/augment/decoded"], p.forward));

    // The original cannot fuse grouped convolutions (Q45); ours must give the unfused result then.
    model->fuse();
    const auto fused = decode(model->forward(input), model->head());
    const std::string key = prefix + "/fused/decoded";
    EXPECT_TRUE(golden::near_predictions(
        fused, vector.has(key) ? vector[key] : vector[prefix + "/eval/decoded"], p.forward))
        << "fused";
    for (const auto& [bias, expected] : vector.below(prefix + "/fused/state/"))
      EXPECT_TRUE(golden::near(model->named_parameters()[bias], expected, p.forward)) << bias;
  }
}

TEST_P(Forward, ChannelsLastChangesNothingButRounding) {
  const golden::Vector vector("forward/" + std::string(GetParam()));
  const torch::NoGradGuard no_grad;
  auto model = load(GetParam(), torch::kFloat32);
  model->eval();
  place_model(*model, Placement{.device = golden::test_device()});
  const auto raw = model->forward(vector["input"].contiguous(torch::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(
      golden::near_predictions(decode(raw, model->head()), vector["f32/eval/decoded"], 1e-4));
}

TEST_P(Forward, PreparedForInferenceChangesNothingButRounding) {
  const golden::Vector vector("forward/" + std::string(GetParam()));
  const torch::NoGradGuard no_grad;
  auto model = load(GetParam(), torch::kFloat32);
  model->eval();
  const Placement placement{.device = golden::test_device()};
  prepare_for_inference(*model, placement);
  const auto input = vector["input"].contiguous(torch::MemoryFormat::ChannelsLast);
  for (int pass = 0; pass < 2; ++pass)  // the second one finds the weights laid out
    EXPECT_TRUE(golden::near_predictions(decode(model->forward(input), model->head()),
                                         vector["f32/eval/decoded"], 1e-4));
}

INSTANTIATE_TEST_SUITE_P(Models, Forward,
                         ::testing::Values("narrow", "narrow-fpn", "narrow-spp", "every-module"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name)
                             if (c == '-') c = '_';
                           return name;
                         });

TEST(ForwardByRule, FullYolov5s) {
  const torch::NoGradGuard no_grad;
  const golden::Vector vector("forward/yolov5s-by-rule");
  const auto json = golden::json("forward/yolov5s-by-rule.json");
  DetectionModel model(golden::model_description("yolov5s"), {});
  for (const auto& [name, tensor] : state_dict(model)) golden::fill_by_rule(name, tensor);
  model.to(golden::test_device());
  const auto input =
      golden::uniform_by_rule("images", {1, 3, 64, 64}).to(golden::test_device(), torch::kFloat32);
  bool stopped = false;
  model.eval();
  const auto raw = model.forward(input, compare_layers(json["layers_eval"], 1e-4, stopped));
  EXPECT_TRUE(golden::near_predictions(decode(raw, model.head()), vector["eval/decoded"], 1e-4));
  model.train();
  const auto trained = model.forward(input, compare_layers(json["layers_train"], 1e-3, stopped));
  // Norms over one image of 2x2 cells amplify rounding: the recorded float32 pass is itself farther
  // than the tolerance from the exact one. Ours may be as far from it as the recording is, plus the
  // tolerance.
  DetectionModel exact(golden::model_description("yolov5s"), {});
  for (const auto& [name, tensor] : state_dict(exact)) golden::fill_by_rule(name, tensor);
  exact.to(golden::test_device(), torch::kFloat64);
  exact.train();
  const auto truth = exact.forward(input.to(torch::kFloat64));
  for (std::size_t l = 0; l < trained.size(); ++l) {
    const double recorded_gap =
        golden::relative_error(vector["train/raw." + std::to_string(l)], truth[l]);
    EXPECT_TRUE(golden::near(trained[l], truth[l], recorded_gap + 1e-3)) << "level " << l;
  }
}

}  // namespace
}  // namespace gannet
