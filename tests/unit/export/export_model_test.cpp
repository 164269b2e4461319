#include "gannet/export/export_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/io/torch_file.h"
#include "gannet/nn/checkpoint.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_model;

class Export : public testing::TemporaryFolder {
 protected:
  std::string save(const DetectionModel& model, bool half = false) const {
    const std::string file = path("best.pt");
    std::vector<std::string> names(static_cast<std::size_t>(model.head().num_classes), "thing");
    save_torch_file(file, model_entries(model, names, half));
    return file;
  }
  std::string save_model_of(const std::string& yaml) const {
    return save(DetectionModel(parse_model_description(yaml, "m.yaml"), {}));
  }
  int num_files() const {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
};

/// "format model", each model in each format.
class EveryExport : public Export,
                    public ::testing::WithParamInterface<std::tuple<const char*, const char*>> {};

TEST_P(EveryExport, ReadsBackAsTheSameModel) {
  const auto [format, name] = GetParam();
  const auto model = make_model(name, {.seed = 3});
  testing::disturb_norms(*model);
  HeadSpec anchors = model->head();
  anchors.anchors_px[0][1] = {31, 17.25};
  model->detect().set_anchors(anchors);
  const ExportReport report = export_model(save(*model), format);
  EXPECT_EQ(report.path, default_export_path(path("best.pt"), format));
  EXPECT_EQ(report.num_bytes, std::filesystem::file_size(report.path));
  EXPECT_EQ(report.num_tensors, static_cast<std::int64_t>(state_dict(*model).size()));
  EXPECT_FALSE(report.half);
  const LoadedModel loaded = load_model(report.path);
  testing::expect_equal_states(*loaded.model, *model);
  EXPECT_EQ(loaded.model->head().anchors_px, anchors.anchors_px);
  EXPECT_EQ(loaded.model->head().strides, model->head().strides);
  EXPECT_EQ(loaded.names, load_model(path("best.pt")).names);
  EXPECT_EQ(num_files(), 2);
}

INSTANTIATE_TEST_SUITE_P(Models, EveryExport,
                         ::testing::Combine(::testing::Values("yolov5", "safetensors"),
                                            ::testing::Values("narrow", "narrow-spp",
                                                              "every-module", "narrow-v7")),
                         [](const auto& test) {
                           std::string name =
                               std::string(std::get<0>(test.param)) + "_" + std::get<1>(test.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// What a file of the original has and an export lacks or has otherwise: "path: what".
class Lacks {
 public:
  std::vector<std::string> run(const Value& original, const Value& exported) {
    compare(original, exported, "");
    return found_;
  }

 private:
  // Belongs to a run, or is made anew by the original's code.
  static bool is_free(std::string_view key) {
    constexpr std::string_view kFree[] = {
        "epoch", "best_fitness", "training_results", "hyp",  "opt",
        "git",   "date",         "yaml_file",        "grid", "anchor_grid"};
    return std::find(std::begin(kFree), std::end(kFree), key) != std::end(kFree);
  }

  void compare(const Value& original, const Value& exported, const std::string& place) {
    if (original.is_number() && exported.is_number())
      return note(original.as_double() == exported.as_double(), place + ": another number");
    if (original.kind() != exported.kind()) return note(false, place + ": another kind");
    switch (original.kind()) {
      case Value::Kind::kString:
        return note(original.as_string() == exported.as_string(), place + ": another text");
      case Value::Kind::kBool:
        return note(original.as_bool() == exported.as_bool(), place + ": another bool");
      case Value::Kind::kTensor:
        return note(original.as_tensor().shape == exported.as_tensor().shape &&
                        original.as_tensor().to_doubles() == exported.as_tensor().to_doubles(),
                    place + ": another tensor");
      case Value::Kind::kList:
      case Value::Kind::kTuple:
        return compare_items(original.as_list(), exported.as_list(), place);
      case Value::Kind::kDict:
        return compare_entries(original.as_dict(), exported.as_dict(), place);
      case Value::Kind::kRecord:
        note(original.as_record().full_name() == exported.as_record().full_name(),
             place + ": another class");
        return compare(original.as_record().state, exported.as_record().state, place);
      default:
        return;
    }
  }

  void compare_items(const Value::List& original, const Value::List& exported,
                     const std::string& place) {
    if (original.size() != exported.size()) return note(false, place + ": another length");
    for (std::size_t i = 0; i < original.size(); ++i)
      compare(original[i], exported[i], place + "/" + std::to_string(i));
  }

  void compare_entries(const Dict& original, const Dict& exported, const std::string& place) {
    for (const auto& [key, value] : original) {
      const std::string name = key.is_string() ? key.as_string() : std::to_string(key.as_int());
      const Value* other = exported.find(key);
      ++num_compared_;
      if (other == nullptr) {
        note(false, place + "/" + name + ": missing");
      } else if (name == "anchor_grid" && value.is_tensor()) {
        compare(value, *other, place + "/" + name);  // a buffer in July 2020
      } else if (!is_free(name)) {
        compare(value, *other, place + "/" + name);
      }
    }
  }

  void note(bool equal, const std::string& what) {
    if (!equal) found_.push_back(what);
  }

  std::vector<std::string> found_;

 public:
  int num_compared_ = 0;
};

class ExportOfOriginal : public Export, public ::testing::WithParamInterface<const char*> {
 protected:
  std::string unpack(const std::string& content) const {
    return write(content + ".zip.pt", testing::read_vector("checkpoints/" + content + ".zip.pt"));
  }
};

TEST_P(ExportOfOriginal, HasItsClassesAttributesAndTensors) {
  const std::string original = unpack(GetParam());
  const ExportReport report = export_model(original, "yolov5", path("x.pt"));
  EXPECT_TRUE(report.half);
  EXPECT_EQ(report.rounding, 0);
  Lacks lacks;
  EXPECT_THAT(lacks.run(load_torch_file(original), load_torch_file(report.path)), IsEmpty());
  EXPECT_GT(lacks.num_compared_, 5000);
}

TEST_P(ExportOfOriginal, IsSearchedForWhatItLacks) {
  const std::string original = unpack(GetParam());
  const Value other =
      load_torch_file(unpack(GetParam()[0] == 'v' ? "best_stripped" : "v7_stripped"));
  EXPECT_THAT(Lacks().run(load_torch_file(original), other),
              ::testing::Contains("/model: another class"));
}

INSTANTIATE_TEST_SUITE_P(Golden, ExportOfOriginal,
                         ::testing::Values("best_stripped", "v7_stripped"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(Export, HalfRoundsAndSaysByHowMuch) {
  const auto model = make_model("shallow", {.seed = 1});
  for (const std::string format : {"yolov5", "safetensors"}) {
    const ExportReport report = export_model(save(*model), format, {}, {.half = true});
    EXPECT_TRUE(report.half);
    EXPECT_GT(report.rounding, 0);
    EXPECT_LT(report.rounding, 0.01);
    const auto weight = testing::entry(*load_model(report.path).model, "model.1.conv.weight");
    EXPECT_TRUE(torch::equal(
        weight,
        testing::entry(*model, "model.1.conv.weight").to(torch::kFloat16).to(torch::kFloat32)));
  }
}

TEST_F(Export, WeightsWithoutMoreDigitsAreStoredAsHalf) {
  EXPECT_TRUE(export_model(save(*make_model("shallow"), true), "yolov5").half);
}

TEST_F(Export, HalfRefusesWeightsThatOverflow) {
  const auto model = make_model("shallow");
  const torch::NoGradGuard no_grad;
  testing::entry(*model, "model.1.conv.weight")[0][0][0][0] = 1e5;
  const std::string file = save(*model);
  const Error error =
      testing::thrown_error([&] { export_model(file, "yolov5", {}, {.half = true}); });
  EXPECT_THAT(error.what(), HasSubstr("model.1.conv.weight: a weight is too large for float16"));
  EXPECT_EQ(num_files(), 1);
  EXPECT_FALSE(export_model(file, "yolov5").half);
}

TEST_F(Export, FormatsAreListed) {
  EXPECT_THAT(export_formats(), ElementsAre("yolov5", "safetensors", "torchscript", "onnx"));
  const Error error = testing::thrown_error([&] { export_model(path("best.pt"), "tflite"); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_THAT(error.what(), HasSubstr("there are yolov5, safetensors, torchscript, onnx"));
}

TEST_F(Export, NamesOfFiles) {
  EXPECT_EQ(default_export_path("runs/best.pt", "yolov5"), "runs/best-yolov5.pt");
  EXPECT_EQ(default_export_path("best.pt", "safetensors"), "best.safetensors");
  EXPECT_EQ(default_export_path("runs/a.b.pt", "safetensors", "out"), "out/a.b.safetensors");
}

TEST_F(Export, TheSourceIsNeverOverwritten) {
  const std::string file = save(*make_model("shallow"));
  const std::string before = read_file(file);
  EXPECT_EQ(testing::thrown_error([&] { export_model(file, "yolov5", path("./best.pt")); }).kind(),
            ErrorKind::kUsage);
  std::filesystem::create_symlink(file, path("link.pt"));
  EXPECT_EQ(testing::thrown_error([&] { export_model(file, "yolov5", path("link.pt")); }).kind(),
            ErrorKind::kUsage);
  EXPECT_EQ(read_file(file), before);
  EXPECT_THAT(
      testing::thrown_error([&] { export_model(file, "safetensors", path("x.pt")); }).what(),
      HasSubstr("ends in .safetensors"));
}

// The original's files do not say their release: read again, this head counts as one of July 2020.
TEST_F(Export, AFileThatReadsDifferentlyIsNotLeft) {
  const std::string file = save_model_of(
      "{nc: 1, version: 7, anchors: [[10, 20]], backbone: [[-1, 1, Conv, [8, 3, 2]]],"
      " head: [[-1, 1, nn.Conv2d, [16, 1, 1]], [[1], 1, Detect, [nc, anchors]]]}");
  EXPECT_THAT(testing::thrown_error([&] { export_model(file, "yolov5"); }).what(),
              HasSubstr("Detect input 1 has 16 channels, not 6"));
  EXPECT_EQ(num_files(), 1);
  EXPECT_EQ(export_model(file, "safetensors").num_tensors, 11);
}

TEST_F(Export, LayersThatTheOriginalComputesOtherwiseAreNamed) {
  const std::string file = save_model_of(
      "{nc: 1, anchors: [[10, 20]], backbone: [[-1, 1, Conv, [8, 3, 2]], [-1, 1, MixConv2d, [8]]],"
      " head: [[[1], 1, Detect, [nc, anchors]]]}");
  EXPECT_THAT(testing::thrown_error([&] { export_model(file, "yolov5"); }).what(),
              HasSubstr("layer 1, MixConv2d: the original's release"));
}

}  // namespace
}  // namespace gannet
