// Each block alone: outputs in both modes, gradients of inputs and parameters, running statistics.
#include <functional>

#include "gannet/nn/blocks.h"
#include "gannet/ops/activations.h"
#include "tests/parity/golden.h"

namespace gannet {
namespace {

using Make = std::function<std::shared_ptr<Block>()>;
template <class T, class... Args>
Make make(Args... args) {
  return [=] { return std::make_shared<T>(args...); };
}
Make depthwise(ConvOptions options) {
  return [=] { return make_depthwise(options, kStyleJuly2020); };
}

constexpr BlockStyle kOld = kStyleJuly2020, kNew = kStyleRelease7;
using Kernels = std::vector<std::int64_t>;

const std::vector<std::pair<std::string, Make>>& modules() {
  static const std::vector<std::pair<std::string, Make>> table = {
      {"conv_k1", make<ConvBnAct>(ConvOptions{.in = 8, .out = 12}, kOld)},
      {"conv_k3_s2",
       make<ConvBnAct>(ConvOptions{.in = 8, .out = 12, .kernel = square(3), .stride = square(2)},
                       kOld)},
      {"conv_k5_groups",
       make<ConvBnAct>(ConvOptions{.in = 8, .out = 12, .kernel = square(5), .groups = 4}, kOld)},
      {"conv_k13",
       make<ConvBnAct>(ConvOptions{.in = 8, .out = 12, .kernel = {1, 3}, .stride = {1, 2}}, kOld)},
      {"conv_no_act",
       make<ConvBnAct>(ConvOptions{.in = 8, .out = 12, .kernel = square(3), .activation = false},
                       kOld)},
      {"conv_padding0",
       make<ConvBnAct>(ConvOptions{.in = 8, .out = 12, .kernel = square(3), .padding = Pair{0, 0}},
                       kOld)},
      {"dwconv", depthwise({.in = 8, .out = 12, .kernel = square(3)})},
      {"dwconv_s2",
       depthwise(
           {.in = 8, .out = 8, .kernel = square(3), .stride = square(2), .activation = false})},
      {"bottleneck", make<Bottleneck>(BottleneckOptions{.in = 8, .out = 8}, kOld)},
      {"bottleneck_no_shortcut",
       make<Bottleneck>(BottleneckOptions{.in = 8, .out = 8, .shortcut = false}, kOld)},
      {"bottleneck_wider",
       make<Bottleneck>(BottleneckOptions{.in = 8, .out = 12, .groups = 2}, kOld)},
      {"bottleneck_csp", make<BottleneckCsp>(CspOptions{.in = 8, .out = 12}, kOld)},
      {"bottleneck_csp_n3", make<BottleneckCsp>(CspOptions{.in = 8, .out = 8, .repeats = 3}, kOld)},
      {"bottleneck_csp_no_shortcut",
       make<BottleneckCsp>(CspOptions{.in = 8, .out = 12, .repeats = 2, .shortcut = false}, kOld)},
      {"spp", make<Spp>(8, 12, Kernels{5, 9, 13}, kOld)},
      {"spp_k35", make<Spp>(8, 12, Kernels{3, 5}, kOld)},
      {"focus", make<Focus>(ConvOptions{.in = 3, .out = 8, .kernel = square(3)}, kOld)},
      {"focus_k1", make<Focus>(ConvOptions{.in = 4, .out = 8}, kOld)},
      {"concat", make<Concat>(1)},
      {"upsample", make<Upsample>(2, "nearest")},
      {"flatten", make<Flatten>()},
      {"classify", make<Classify>(ConvOptions{.in = 8, .out = 5})},
      {"classify_list", make<Classify>(ConvOptions{.in = 20, .out = 5})},
      {"crossconv", make<CrossConv>(CrossConvOptions{.in = 8, .out = 12}, kOld)},
      {"crossconv_shortcut",
       make<CrossConv>(CrossConvOptions{.in = 8, .out = 8, .groups = 2, .shortcut = true}, kOld)},
      {"crossconv_s2",
       make<CrossConv>(CrossConvOptions{.in = 8, .out = 12, .stride = 2, .expansion = 0.5}, kOld)},
      {"c3", make<BottleneckCsp>(
                 CspOptions{.in = 8, .out = 12, .repeats = 2, .cross_convolutions = true}, kOld)},
      {"c3_no_shortcut",
       make<BottleneckCsp>(
           CspOptions{.in = 8, .out = 8, .shortcut = false, .cross_convolutions = true}, kOld)},
      {"mixconv", make<MixConv>(ConvOptions{.in = 8, .out = 8}, Kernels{1, 3}, true, kOld)},
      {"mixconv_k135", make<MixConv>(ConvOptions{.in = 8, .out = 8}, Kernels{1, 3, 5}, true, kOld)},
      {"mixconv_equal_weights",
       make<MixConv>(ConvOptions{.in = 20, .out = 20}, Kernels{1, 3}, false, kOld)},
      {"sum", make<Sum>(3, false)},
      {"sum_weighted", make<Sum>(4, true)},
      {"ghost_conv", make<GhostConv>(ConvOptions{.in = 8, .out = 12}, kOld)},
      {"ghost_conv_k3_s2",
       make<GhostConv>(ConvOptions{.in = 8, .out = 16, .kernel = square(3), .stride = square(2)},
                       kOld)},
      {"ghost_bottleneck", make<GhostBottleneck>(8, 8, 3, 1, kOld)},
      {"ghost_bottleneck_s2", make<GhostBottleneck>(8, 16, 3, 2, kOld)},
      {"v7_conv_k6",
       make<ConvBnAct>(
           ConvOptions{
               .in = 3, .out = 8, .kernel = square(6), .stride = square(2), .padding = Pair{2, 2}},
           kNew)},
      {"v7_c3", make<C3>(CspOptions{.in = 8, .out = 12, .repeats = 2}, kNew)},
      {"v7_c3_no_shortcut", make<C3>(CspOptions{.in = 12, .out = 8, .shortcut = false}, kNew)},
      {"v7_sppf", make<Sppf>(8, 12, 5, kNew)},
  };
  return table;
}

std::shared_ptr<Block> load(const Make& factory, const golden::Vector& vector, torch::Dtype dtype) {
  const torch::NoGradGuard no_grad;
  auto block = factory();
  auto state = state_dict(*block);
  const auto expected = vector.below("state/");
  EXPECT_EQ(state.size(), expected.size());
  for (auto& [name, tensor] : state) tensor.copy_(vector["state/" + name]);
  block->to(golden::test_device(), dtype);
  return block;
}

TEST(ModuleVectors, TableCoversEveryVector) {
  std::vector<std::string> names;
  for (const char* file : {"modules/index.json", "modules/index_v7.json"}) {
    const auto index = golden::json(file);
    for (const auto& entry : index["modules"]) names.push_back(entry["file"]);
  }
  ASSERT_GT(names.size(), 40u);
  for (const std::string& name : names) {
    if (name == "detect" || name == "activations") continue;  // tested below
    EXPECT_TRUE(std::any_of(modules().begin(), modules().end(), [&](const auto& row) {
      return row.first == name;
    })) << name;
  }
}

class Module : public ::testing::TestWithParam<std::pair<std::string, Make>> {};

TEST_P(Module, OutputsGradientsAndStatistics) {
  const auto& [name, factory] = GetParam();
  const golden::Vector vector("modules/" + name);
  for (const auto& [prefix, dtype, tolerance] :
       {std::tuple{"f64/", torch::kFloat64, 1e-10}, std::tuple{"f32/", torch::kFloat32, 1e-5}}) {
    SCOPED_TRACE(prefix);
    // Both outputs; gradients are recorded in float32.
    const golden::AtLeast compared(dtype == torch::kFloat32 ? 3 : 2);
    const auto key = [&, p = std::string(prefix)](const std::string& rest) { return p + rest; };
    std::vector<torch::Tensor> inputs;
    for (int i = 0; vector.has("input." + std::to_string(i)); ++i)
      inputs.push_back(vector["input." + std::to_string(i)].to(dtype).requires_grad_());
    ASSERT_FALSE(inputs.empty());
    auto block = load(factory, vector, dtype);
    block->eval();
    {
      const torch::NoGradGuard no_grad;
      EXPECT_TRUE(golden::near(block->forward(inputs), vector[key("eval/output")], tolerance))
          << "eval";
    }
    block->train();
    const auto output = block->forward(inputs);
    EXPECT_TRUE(golden::near(output, vector[key("train/output")], tolerance)) << "train";
    (output * vector["cotangent"].to(dtype)).sum().backward();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::string gradient = key("train/grad_input." + std::to_string(i));
      if (vector.has(gradient))
        EXPECT_TRUE(golden::near(inputs[i].grad(), vector[gradient], tolerance)) << gradient;
    }
    for (const auto& [parameter, expected] : vector.below(key("train/grad/")))
      EXPECT_TRUE(golden::near(block->named_parameters()[parameter].grad(), expected, tolerance))
          << parameter;
    for (const auto& [buffer, expected] : vector.below(key("train/after/")))
      EXPECT_TRUE(golden::near(block->named_buffers()[buffer], expected, tolerance)) << buffer;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Module, ::testing::ValuesIn(modules()),
                         [](const auto& test) { return test.param.first; });

TEST(ModuleVectors, DetectHeadAndDecoding) {
  const golden::Vector vector("modules/detect");
  const auto json = golden::json("modules/detect.json");
  HeadSpec head;
  head.num_classes = json["nc"];
  head.strides = json["strides"].get<std::vector<double>>();
  for (const auto& row : json["anchors_px"]) {
    std::vector<std::array<float, 2>> level;
    for (std::size_t i = 0; i < row.size(); i += 2) level.push_back({row[i], row[i + 1]});
    head.anchors_px.push_back(level);
  }
  Detect detect(head, {});
  for (const auto& [name, tensor] : state_dict(detect))
    EXPECT_TRUE(golden::near(tensor, vector["state/" + name], 1e-7)) << name;
  for (const auto& [prefix, dtype, tolerance] :
       {std::tuple{"f64/", torch::kFloat64, 1e-10}, std::tuple{"f32/", torch::kFloat32, 1e-5}}) {
    std::vector<torch::Tensor> features;
    for (int l = 0; l < 3; ++l) features.push_back(vector["input." + std::to_string(l)].to(dtype));
    const auto raw = detect.forward(features);
    for (int l = 0; l < 3; ++l)
      EXPECT_TRUE(golden::near_predictions(
          raw[static_cast<std::size_t>(l)],
          vector[std::string(prefix) + "train." + std::to_string(l)], tolerance));
    EXPECT_TRUE(golden::near_predictions(decode(raw, head), vector[std::string(prefix) + "decoded"],
                                         tolerance));
  }
  // Q53: half-precision predictions are decoded in float32, so centres keep their resolution.
  std::vector<torch::Tensor> half;
  for (int l = 0; l < 3; ++l)
    half.push_back(
        detect.forward({vector["input." + std::to_string(l)].to(torch::kFloat16)}).front());
  EXPECT_EQ(decode(half, head).scalar_type(), torch::kFloat32);
}

TEST(ModuleVectors, MixConvChannelSplit) {
  const auto index = golden::json("modules/index.json");
  const auto& splits = index["mixconv_channel_split"];
  EXPECT_EQ(MixConv::split_channels(7, 7, {1, 3}, true), splits["(1, 3)"].get<Kernels>());
  EXPECT_EQ(MixConv::split_channels(10, 10, {1, 3, 5}, true), splits["(1, 3, 5)"].get<Kernels>());
  EXPECT_EQ(MixConv::split_channels(64, 64, {3, 5, 7}, true), splits["(3, 5, 7)"].get<Kernels>());
}

TEST(ModuleVectors, SpareActivations) {
  const golden::Vector vector("modules/activations");
  const std::pair<const char*, torch::Tensor (*)(const torch::Tensor&)> rows[] = {
      {"swish", swish},
      {"memory_efficient_swish", swish},
      {"hardswish", hard_swish},
      {"mish", mish},
      {"memory_efficient_mish", mish}};
  for (const auto& [name, function] : rows) {
    auto x = vector["input"].to(torch::kFloat64).requires_grad_();
    const auto y = function(x);
    // LibTorch's kernel for GPUs holds hardswish's sixth in single precision.
    const double tolerance = golden::test_device().is_cpu() ? 1e-10 : 1e-7;
    EXPECT_TRUE(golden::near(y, vector[std::string("f64/") + name], tolerance)) << name;
    y.sum().backward();
    EXPECT_TRUE(golden::near(x.grad(), vector[std::string("f64/") + name + "_grad"], tolerance))
        << name;
  }
}

}  // namespace
}  // namespace gannet
