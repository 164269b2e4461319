#include "gannet/predict/exported_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "gannet/core/error.h"
#include "gannet/export/checks.h"
#include "gannet/export/export_model.h"
#include "gannet/io/onnx_file.h"
#include "gannet/io/torch_file.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/predict/load_network.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

/// A checkpoint and its exports for two images of 96x64 px.
class ExportedNetworkTest : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    model_ = testing::make_model("shallow", {.seed = 3});
    testing::disturb_norms(*model_);
    model_->eval();
    save_torch_file(path("best.pt"), model_entries(*model_, {"a", "b", "c"}, false));
  }
  std::string exported(const std::string& format, const char* head = "decoded") const {
    ExportOptions options;
    options.height = 64;
    options.width = 96;
    options.batch_size = 2;
    options.head = head;
    return export_model(path("best.pt"), format, {}, options).path;
  }

  std::shared_ptr<DetectionModel> model_;
};

TEST_F(ExportedNetworkTest, AnyNumberOfImagesGoesThroughAFixedBatch) {
  const torch::NoGradGuard no_grad;
  for (const std::string format : {"onnx", "torchscript"}) {
    const LoadedNetwork loaded = load_network(exported(format), Placement{}, false);
    EXPECT_EQ(loaded.shape, (InputShape{2, 64, 96}));
    for (const int images : {1, 2, 5}) {
      const auto picture = test_picture(images, 64, 96);
      const NetworkOutput output = loaded.network->forward(picture);
      EXPECT_TRUE(output.raw.empty());
      EXPECT_LT(relative_difference({output.decoded_BNV}, predictions(*model_, picture, "decoded"),
                                    "decoded"),
                1e-4)
          << format << " " << images;
    }
  }
}

TEST_F(ExportedNetworkTest, CallsMayOverlap) {
  const torch::NoGradGuard no_grad;
  for (const std::string format : {"onnx", "torchscript"}) {
    const LoadedNetwork loaded = load_network(exported(format), Placement{}, false);
    const auto first = test_picture(2, 64, 96), second = 1 - first;
    const auto alone_first = loaded.network->forward(first).decoded_BNV;
    const auto alone_second = loaded.network->forward(second).decoded_BNV;
    bool equal = true;
    std::thread other([&] {
      for (int i = 0; i < 5; ++i)
        equal = equal && torch::equal(loaded.network->forward(second).decoded_BNV, alone_second);
    });
    for (int i = 0; i < 5; ++i)
      EXPECT_TRUE(torch::equal(loaded.network->forward(first).decoded_BNV, alone_first));
    other.join();
    EXPECT_TRUE(equal) << format;
  }
}

TEST_F(ExportedNetworkTest, OnlyDecodedHeadsAreRun) {
  for (const std::string format : {"onnx", "torchscript"})
    EXPECT_ERROR(kUsage, "--head decoded",
                 load_network(exported(format, "raw"), Placement{}, false));
  EXPECT_ERROR(kUsage, "'nms'", load_network(exported("onnx", "nms"), Placement{}, false));
  EXPECT_ERROR(kUsage, "--augment", load_network(exported("onnx"), Placement{}, true));
}

TEST_F(ExportedNetworkTest, ForeignFilesAreErrors) {
  for (const char* name : {"x.onnx", "x.torchscript"}) {
    EXPECT_ERROR(kCheckpoint, name,
                 load_network(write(name, "no such file format"), Placement{}, false));
    EXPECT_THROW(load_network(path(std::string("nowhere/") + name), Placement{}, false), Error);
  }
  OnnxModel silent;
  silent.outline.opset = 13;
  silent.outline.inputs = {{"x", DType::kF32, {"batch"}}};
  save_onnx(path("silent.onnx"), silent);
  EXPECT_ERROR(kCheckpoint, "stride and class names", read_exported_info(path("silent.onnx")));
  silent.outline.metadata = {{"stride", "many"}, {"names", "{0: 'a'}"}};
  save_onnx(path("silent.onnx"), silent);
  EXPECT_ERROR(kCheckpoint, "stride is 'many'", read_exported_info(path("silent.onnx")));
  silent.outline.metadata["stride"] = "32";
  save_onnx(path("silent.onnx"), silent);
  EXPECT_ERROR(kCheckpoint, "one batch of images", read_exported_info(path("silent.onnx")));
}

TEST_F(ExportedNetworkTest, CheckpointsAreNetworksToo) {
  const torch::NoGradGuard no_grad;
  const LoadedNetwork loaded = load_network(path("best.pt"), Placement{}, false);
  EXPECT_EQ(loaded.shape, std::nullopt);
  EXPECT_EQ(loaded.max_stride, model_->max_stride());
  EXPECT_EQ(loaded.names, (std::vector<std::string>{"a", "b", "c"}));
  const auto picture = test_picture(1, 64, 64);
  EXPECT_LT(relative_difference({loaded.network->forward(picture).decoded_BNV},
                                predictions(*model_, picture, "decoded"), "decoded"),
            1e-4);
}

}  // namespace
}  // namespace gannet
