#include "gannet/nn/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gannet/core/error.h"
#include "gannet/io/safetensors.h"
#include "gannet/io/torch_file.h"
#include "gannet/ops/stored_tensor.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_model;

class CheckpointFile : public testing::TemporaryFolder {};

TEST_F(CheckpointFile, RoundTripKeepsModelNamesAndAnchors) {
  const auto model = make_model("shallow", {.seed = 4});
  testing::disturb_norms(*model);
  HeadSpec anchors = model->head();
  anchors.anchors_px[0][0] = {200, 300};
  model->detect().set_anchors(anchors);
  save_torch_file(path("m.pt"), model_entries(*model, {"a", "b", "c"}, false));
  const LoadedModel loaded = load_model(path("m.pt"));
  EXPECT_THAT(loaded.names, ElementsAre("a", "b", "c"));
  EXPECT_EQ(loaded.epoch, -1);
  EXPECT_FALSE(loaded.model->is_training());
  EXPECT_EQ(loaded.model->head().anchors_px, anchors.anchors_px);
  EXPECT_EQ(loaded.model->head().strides, model->head().strides);
  testing::expect_equal_states(*loaded.model, *model);
}

TEST_F(CheckpointFile, HalfPrecisionIsReadAsFloat32) {
  const auto model = make_model("shallow");
  save_torch_file(path("m.pt"), model_entries(*model, {"a", "b", "c"}, true));
  const LoadedModel loaded = load_model(path("m.pt"));
  const auto weight = testing::entry(*loaded.model, "model.1.conv.weight");
  EXPECT_EQ(weight.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(torch::equal(
      weight,
      testing::entry(*model, "model.1.conv.weight").to(torch::kFloat16).to(torch::kFloat32)));
}

TEST_F(CheckpointFile, NamesDecideTheClassCount) {
  const auto model = make_model("shallow", {.num_classes = 2});
  save_torch_file(path("m.pt"), model_entries(*model, {"x", "y"}, false));
  EXPECT_EQ(load_model(path("m.pt")).model->head().num_classes, 2);
}

TEST_F(CheckpointFile, AverageIsPreferred) {
  const auto live = make_model("shallow", {.seed = 1}),
             average = make_model("shallow", {.seed = 2});
  Value root = model_entries(*live, {}, false);
  root.set("ema", Value::dict({{"model", to_value(state_dict(*average))}, {"updates", 3}}));
  save_torch_file(path("m.pt"), root);
  testing::expect_equal_states(*load_model(path("m.pt")).model, *average);
  const auto first = [](const StateDict& state) { return state.at(0).second; };
  EXPECT_TRUE(torch::equal(first(load_weights(path("m.pt")).state), first(state_dict(*average))));
  EXPECT_TRUE(torch::equal(first(load_weights(path("m.pt"), WeightsChoice::kRaw).state),
                           first(state_dict(*live))));
}

TEST_F(CheckpointFile, StateDictWithoutDescriptionIsRefusedAsModelAndReadAsWeights) {
  const auto model = make_model("shallow");
  save_torch_file(path("w.pt"), to_value(state_dict(*model)));
  const Error error = testing::thrown_error([&] { load_model(path("w.pt")); });
  EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
  EXPECT_EQ(error.where().path, path("w.pt"));
  EXPECT_THAT(error.what(), HasSubstr("no model description"));
  SafeTensors plain;
  plain.metadata["format"] = "pt";  // as other programs write it
  for (const auto& [name, tensor] : state_dict(*model))
    plain.tensors.emplace_back(name, to_tensor_data(tensor));
  save_safetensors(path("w.safetensors"), plain);
  const Error refusal = testing::thrown_error([&] { load_model(path("w.safetensors")); });
  EXPECT_EQ(refusal.kind(), ErrorKind::kCheckpoint);
  EXPECT_THAT(refusal.what(), HasSubstr("no model description"));
  const StateDict weights = load_weights(path("w.pt")).state;
  EXPECT_EQ(weights.size(), state_dict(*model).size());
  EXPECT_TRUE(torch::equal(weights[0].second, state_dict(*model)[0].second));
}

TEST_F(CheckpointFile, SafetensorsWithOurMetadataAreAModel) {
  const auto model = make_model("shallow", {.seed = 4});
  testing::disturb_norms(*model);
  SafeTensors content{{}, model_metadata(*model, {"a", "b \"c\"", "ü"})};
  for (const auto& [name, tensor] : state_dict(*model))
    content.tensors.emplace_back(name, to_tensor_data(tensor));
  save_safetensors(path("m.safetensors"), content);
  const LoadedModel loaded = load_model(path("m.safetensors"));
  EXPECT_THAT(loaded.names, ElementsAre("a", "b \"c\"", "ü"));
  EXPECT_EQ(loaded.model->head().anchors_px, model->head().anchors_px);
  testing::expect_equal_states(*loaded.model, *model);
}

TEST_F(CheckpointFile, MalformedMetadataAreNamed) {
  const auto model = make_model("shallow");
  for (const auto& [key, value] :
       {std::pair("names", "[1]"), std::pair("names", "x"), std::pair("version", "-")}) {
    SafeTensors content{{}, model_metadata(*model, {"a", "b", "c"})};
    content.metadata[key] = value;
    save_safetensors(path("m.safetensors"), content);
    EXPECT_THAT(testing::thrown_error([&] { load_model(path("m.safetensors")); }).what(),
                HasSubstr("the metadata are malformed"))
        << key;
  }
}

TEST_F(CheckpointFile, WeightsThatDoNotFitTheirDescription) {
  const auto model = make_model("shallow");
  Value root = model_entries(*model, {"a", "b", "c", "d"}, false);
  save_torch_file(path("m.pt"), root);
  const Error error = testing::thrown_error([&] { load_model(path("m.pt")); });
  EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
  EXPECT_EQ(error.where().path, path("m.pt"));
}

TEST_F(CheckpointFile, NewerVersionsAreRefused) {
  Value root = model_entries(*make_model("shallow"), {}, false);
  root.set("version", kCheckpointVersion + 1);
  save_torch_file(path("m.pt"), root);
  EXPECT_THAT(testing::thrown_error([&] { load_model(path("m.pt")); }).what(),
              HasSubstr("newer version"));
}

}  // namespace
}  // namespace gannet
