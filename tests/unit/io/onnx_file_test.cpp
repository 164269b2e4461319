#include "gannet/io/onnx_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/dnn.hpp>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TensorData floats(std::vector<std::int64_t> shape, const std::vector<float>& values) {
  return contiguous_tensor(
      DType::kF32, std::move(shape),
      make_storage(std::string(reinterpret_cast<const char*>(values.data()), values.size() * 4)));
}

/// y = max over 2x2 of leaky(x * (2, 10))
OnnxModel small_model() {
  OnnxModel model;
  model.outline.opset = 13;
  model.outline.inputs = {
      {"x", DType::kF32, {std::int64_t{1}, std::int64_t{2}, std::int64_t{2}, std::int64_t{2}}}};
  model.outline.outputs = {
      {"y", DType::kF32, {"batch", std::int64_t{2}, std::int64_t{1}, std::int64_t{1}}}};
  model.outline.metadata = {{"names", "{0: 'a'}"}, {"stride", "32"}};
  model.constants = {{"factors", floats({1, 2, 1, 1}, {2, 10})}};
  model.nodes = {
      {"Mul", "scale", {"x", "factors"}, {"scaled"}, {}},
      {"LeakyRelu", "leaky", {"scaled"}, {"active"}, {{"alpha", 0.5F}}},
      {"MaxPool", "pool", {"active"}, {"y"}, {{"kernel_shape", std::vector<std::int64_t>{2, 2}}}},
  };
  return model;
}

using OnnxFile = testing::TemporaryFolder;

TEST_F(OnnxFile, RunsElsewhere) {
  save_onnx(path("m.onnx"), small_model());
  cv::dnn::Net net = cv::dnn::readNetFromONNX(path("m.onnx"));
  const std::vector<int> sides = {1, 2, 2, 2};
  std::vector<float> x = {1, 2, 3, 4, -8, -6, -4, -2};
  net.setInput(cv::Mat(sides, CV_32F, x.data()));
  const cv::Mat y = net.forward();
  ASSERT_EQ(y.total(), 2u);
  EXPECT_EQ(y.ptr<float>()[0], 8);    // 4 * 2
  EXPECT_EQ(y.ptr<float>()[1], -10);  // -2 * 10 / 2
}

TEST_F(OnnxFile, SaysWhatItIs) {
  save_onnx(path("m.onnx"), small_model());
  const OnnxOutline outline = read_onnx_outline(path("m.onnx"));
  EXPECT_EQ(outline.opset, 13);
  EXPECT_THAT(outline.metadata, ElementsAre(Pair("names", "{0: 'a'}"), Pair("stride", "32")));
  ASSERT_EQ(outline.inputs.size(), 1u);
  EXPECT_EQ(outline.inputs[0].name, "x");
  EXPECT_EQ(outline.inputs[0].shape, small_model().outline.inputs[0].shape);
  ASSERT_EQ(outline.outputs.size(), 1u);
  EXPECT_EQ(outline.outputs[0].shape, small_model().outline.outputs[0].shape);
  EXPECT_EQ(outline.outputs[0].dtype, DType::kF32);
}

// Field 8 (opset_import) {2: 17}, field 7 (graph) {11: {1: "in"}, 5 (unknown here)}, field 14 {1:
// "k", 2: "v"}.
TEST(OnnxBytes, AreThoseOfTheFormat) {
  using namespace std::string_literals;
  const std::string bytes =
      "\x42\x02\x10\x11\x3a\x0a\x5a\x04\x0a\x02in\x2a\x02\x42\x00\x72\x06\x0a\x01k\x12\x01v"s;
  // An input without a type is none that gannet could feed.
  EXPECT_ERROR(kCheckpoint, "type that is not known", parse_onnx_outline(bytes));
  const std::string typed =
      "\x42\x02\x10\x11\x3a\x0c\x5a\x0a\x0a\x02in\x12\x04\x0a\x02\x08\x01"
      "\x72\x06\x0a\x01k\x12\x01v"s;
  const OnnxOutline outline = parse_onnx_outline(typed);
  EXPECT_EQ(outline.opset, 17);
  EXPECT_EQ(outline.inputs.at(0).name, "in");
  EXPECT_THAT(outline.metadata, ElementsAre(Pair("k", "v")));
}

TEST_F(OnnxFile, DamageIsAnError) {
  EXPECT_ERROR(kCheckpoint, "is not an ONNX file", read_onnx_outline(write("a.onnx", "")));
  EXPECT_ERROR(kCheckpoint, "b.onnx", read_onnx_outline(write("b.onnx", "PK\x03\x04 a zip")));
  save_onnx(path("m.onnx"), small_model());
  const std::string whole = read_file(path("m.onnx"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    try {
      parse_onnx_outline(whole.substr(0, size));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
    }
  }
  EXPECT_ERROR(kIo, "nowhere", read_onnx_outline(path("nowhere.onnx")));
}

}  // namespace
}  // namespace gannet
