// ONNX and TorchScript: files that run by themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "gannet/core/error.h"
#include "gannet/export/checks.h"
#include "gannet/export/export_model.h"
#include "gannet/export/formats.h"
#include "gannet/export/traced_model.h"
#include "gannet/io/onnx_file.h"
#include "gannet/io/torch_file.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/predict/exported_network.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_model;

/// The modules that the vectors' models do not use, but Classify and Flatten, which no detector can
/// go on from.
constexpr const char* kOtherModules = R"(
nc: 2
version: 7
depth_multiple: 1
width_multiple: 1
anchors: [[10, 13, 16, 30], [30, 61, 62, 45]]
backbone:
  - [-1, 1, Conv, [8, 6, 2, 2]]
  - [-1, 1, GhostConv, [16, 3, 2]]
  - [-1, 2, GhostBottleneck, [16, 3, 1]]
  - [-1, 1, GhostBottleneck, [16, 3, 2]]
  - [-1, 1, SPPF, [16, 5]]
  - [-1, 1, nn.Upsample, [None, 2, bilinear]]
  - [[-1, 2], 1, Sum, [2, True]]
head:
  - [-1, 2, C3, [16, False]]
  - [-1, 1, CrossConv, [16, 3, 2]]
  - [[7, 8], 1, Detect, [nc, anchors]]
)";

std::shared_ptr<DetectionModel> model_named(const std::string& name) {
  const ModelOptions options{.seed = 3};
  auto model = name == "other-modules"
                   ? std::make_shared<DetectionModel>(
                         parse_model_description(kOtherModules, "m.yaml"), options)
                   : make_model(name, options);
  testing::disturb_norms(*model);
  return model;
}

class NetworkExport : public testing::TemporaryFolder {
 protected:
  std::string save(const DetectionModel& model) const {
    const std::string file = path("best.pt");
    std::vector<std::string> names(static_cast<std::size_t>(model.head().num_classes), "it's");
    save_torch_file(file, model_entries(model, names, false));
    return file;
  }
  int num_files() const {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  static ExportOptions small() {
    ExportOptions options;
    options.height = 64;
    options.width = 96;
    options.batch_size = 2;
    return options;
  }
};

/// "format model", each model in each format.
class EveryNetwork : public NetworkExport,
                     public ::testing::WithParamInterface<std::tuple<const char*, const char*>> {};

TEST_P(EveryNetwork, GivesWhatTheModelGives) {
  const auto [format, name] = GetParam();
  const auto model = model_named(name);
  const std::string file = save(*model);
  for (const std::string head : {"decoded", "raw"}) {
    ExportOptions options = small();
    options.head = head;
    const ExportReport report = export_model(file, format, {}, options);
    EXPECT_LT(report.difference, 1e-5) << head;
    EXPECT_THAT(report.remark, IsEmpty());
    EXPECT_EQ(report.num_bytes, std::filesystem::file_size(report.path));
    const auto picture = test_picture(2, 64, 96);
    const auto outputs = open_exported_graph(report.path, Placement{})->run(picture);
    model->eval();
    const torch::NoGradGuard no_grad;
    EXPECT_LT(relative_difference(outputs, predictions(*model, picture, head), head), 1e-4);
    const ExportedInfo info = read_exported_info(report.path);
    EXPECT_EQ(info.head, head);
    EXPECT_EQ(info.names, load_model(file).names);
    EXPECT_EQ(info.max_stride, model->max_stride());
    EXPECT_EQ(info.shape, (InputShape{2, 64, 96}));
    EXPECT_EQ(info.release7, model->plan().generation == Generation::kRelease7);
  }
  EXPECT_EQ(num_files(), 2);
}

INSTANTIATE_TEST_SUITE_P(Models, EveryNetwork,
                         ::testing::Combine(::testing::Values("onnx", "torchscript"),
                                            ::testing::Values("narrow", "narrow-spp", "narrow-fpn",
                                                              "every-module", "narrow-v7",
                                                              "other-modules")),
                         [](const auto& test) {
                           std::string name =
                               std::string(std::get<0>(test.param)) + "_" + std::get<1>(test.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_F(NetworkExport, DecodingWithoutSizesIsDecoding) {
  const auto model = model_named("narrow");
  model->eval();
  const torch::NoGradGuard no_grad;
  const auto raw = model->forward(test_picture(3, 96, 64));
  EXPECT_LT(relative_difference({decode_any_size(raw, model->head())}, {decode(raw, model->head())},
                                "decoded"),
            1e-6);
}

TEST_F(NetworkExport, DynamicTorchScriptTakesOtherSizes) {
  const auto model = model_named("every-module");
  ExportOptions options = small();
  options.dynamic = true;
  const ExportReport report = export_model(save(*model), "torchscript", {}, options);
  EXPECT_EQ(read_exported_info(report.path).shape, std::nullopt);
  model->eval();
  const torch::NoGradGuard no_grad;
  const auto graph = open_exported_graph(report.path, Placement{});
  for (const auto& picture : {test_picture(1, 32, 32), test_picture(3, 96, 160)}) {
    EXPECT_LT(relative_difference(graph->run(picture), predictions(*model, picture, "decoded"),
                                  "decoded"),
              1e-4);
  }
}

/// Bytes that this process has read so far, from files and all else.
double bytes_read() {
  std::ifstream file("/proc/self/io");
  std::string key;
  double count = -1;
  file >> key >> count;
  return key == "rchar:" ? count : -1;
}

TEST_F(NetworkExport, FilesAreReadOnce) {
  const std::string file = save(*model_named("narrow-v7"));
  for (const char* format : {"onnx", "torchscript"}) {
    const ExportReport report = export_model(file, format, {}, small());
    const double before = bytes_read();
    ASSERT_GE(before, 0);
    const auto loaded = load_exported_network(report.path, Placement{});
    const double times = (bytes_read() - before) / static_cast<double>(report.num_bytes);
    EXPECT_EQ(loaded.info.shape, (InputShape{2, 64, 96}));
    EXPECT_GT(times, 0.9) << format;
    EXPECT_LT(times, 1.5) << format;
  }
}

TEST_F(NetworkExport, WhatOpenCvCannotRunIsSaid) {
  const std::string file = save(*model_named("shallow"));
  ExportOptions dynamic = small(), nms = small(), half = small();
  dynamic.dynamic = true;
  nms.head = "nms";
  half.half = true;
  EXPECT_THAT(export_model(file, "onnx", {}, dynamic).remark, HasSubstr("no free sizes"));
  const auto sides = read_onnx_outline(path("best.onnx")).inputs.at(0).shape;
  EXPECT_THAT(sides, ::testing::ElementsAre(OnnxSide("batch"), OnnxSide(std::int64_t{3}),
                                            OnnxSide("height"), OnnxSide("width")));
  EXPECT_THAT(export_model(file, "onnx", {}, nms).remark, HasSubstr("no suppression inside"));
  EXPECT_THAT(export_model(file, "onnx", {}, half).remark, HasSubstr("no float16 weights"));
  EXPECT_EQ(num_files(), 2);
}

TEST_F(NetworkExport, HalfRoundsTheFoldedWeights) {
  const std::string file = save(*model_named("shallow"));
  const auto plain = export_model(file, "torchscript", {}, small()).num_bytes;
  ExportOptions options = small();
  options.half = true;
  for (const std::string format : {"torchscript", "onnx"}) {
    const ExportReport report = export_model(file, format, {}, options);
    EXPECT_TRUE(report.half);
    EXPECT_GT(report.rounding, 1e-6);
    EXPECT_LT(report.rounding, 0.01);
    EXPECT_LT(report.difference, 1e-5);
  }
  EXPECT_LT(export_model(file, "torchscript", path("h.torchscript"), options).num_bytes, plain);
}

TEST_F(NetworkExport, AFileOfAnotherModelIsRefused) {
  LoadedModel mine = load_model(save(*model_named("shallow")));
  mine.model->fuse();
  ExportReport report;
  for (const std::string format : {"onnx", "torchscript"}) {
    report.format = format;
    const ExportFormat& row = find_export_format(format);
    const std::string file = path("x" + std::string(row.suffix));
    row.write(mine, file, small());
    EXPECT_NO_THROW(check_network(file, row, mine, small(), report));
    const torch::NoGradGuard no_grad;
    const auto weight = testing::entry(*mine.model, "model.1.conv.weight");
    weight.mul_(2);
    EXPECT_ERROR(kCheckpoint, "its predictions", check_network(file, row, mine, small(), report));
    weight.div_(2);
    mine.names[0] = "another";
    EXPECT_ERROR(kCheckpoint, "the class names", check_network(file, row, mine, small(), report));
    mine.names[0] = mine.names[1];
  }
}

TEST_F(NetworkExport, OptionsThatCannotBeAreRefused) {
  const std::string file = save(*model_named("shallow"));
  const auto refusal = [&](const char* format, void (*change)(ExportOptions&)) {
    ExportOptions options = small();
    change(options);
    return testing::thrown_error([&] { export_model(file, format, {}, options); });
  };
  using O = ExportOptions&;
  EXPECT_ERROR(kUsage, "--opset: 12", throw refusal("onnx", [](O o) { o.opset = 12; }));
  EXPECT_ERROR(kUsage, "--opset: 19", throw refusal("onnx", [](O o) { o.opset = 19; }));
  EXPECT_ERROR(kUsage, "'boxes'", throw refusal("onnx", [](O o) { o.head = "boxes"; }));
  EXPECT_ERROR(kUsage, "no suppression inside",
               throw refusal("torchscript", [](O o) { o.head = "nms"; }));
  EXPECT_ERROR(kUsage, "not together", throw refusal("onnx", [](O o) {
                 o.head = "nms";
                 o.dynamic = true;
               }));
  EXPECT_EQ(num_files(), 1);
}

}  // namespace
}  // namespace gannet
