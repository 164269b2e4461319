// The plan of a model: `plan_model` of model_description.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gannet/config/model_description.h"
#include "tests/unit/config/small_model.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::small_model_with;

ModelPlan plan_of(const std::string& text, int num_classes = 0) {
  return plan_model(parse_model_description(text, "m.yaml"), num_classes);
}
Error error_of(const std::string& text) {
  return testing::thrown_error([&] { plan_of(text); });
}

TEST(ModelPlan, ScalesDepthAndWidthAndFollowsStrides) {
  const ModelPlan plan = plan_of(testing::kSmallModel);
  ASSERT_EQ(plan.layers.size(), 5U);
  EXPECT_EQ(to_string(plan.layers[0].args), "[3, 8, 3]");   // 16 / 2
  EXPECT_EQ(to_string(plan.layers[1].args), "[8, 16, 2]");  // 3 / 2 rounds to 2 repeats, inside
  EXPECT_EQ(plan.layers[1].repeats, 1);
  EXPECT_EQ(to_string(plan.layers[2].args), "[16, 16, 3, 2]");  // 20 / 2 goes up to 16
  EXPECT_EQ(to_string(plan.layers[3].args), "[16, 14, 1, 1]");  // head channels are not scaled
  std::vector<double> strides;
  for (const LayerPlan& layer : plan.layers) strides.push_back(layer.stride);
  EXPECT_THAT(strides, ElementsAre(2, 2, 4, 4, 4));
  EXPECT_THAT(plan.layers[0].inputs, ElementsAre(-1));
  EXPECT_THAT(plan.layers[4].inputs, ElementsAre(3));
}

TEST(ModelPlan, ClassCountReplacesThatOfTheFile) {
  const ModelPlan plan = plan_of(testing::kSmallModel, 4);
  EXPECT_EQ(plan.num_classes, 4);
  EXPECT_EQ(plan.layers[3].out_channels, 2 * 9);
}

TEST(ModelPlan, UnknownModuleNamesTheNearest) {
  const Error error = error_of(small_model_with("Conv, [20", "Cnov, [20"));
  EXPECT_EQ(error.where().path, "m.yaml");
  EXPECT_EQ(error.where().line, 9);
  EXPECT_THAT(error.what(), HasSubstr("unknown module 'Cnov' (did you mean 'Conv'?)"));
}

TEST(ModelPlan, InputsMustBeEarlierLayers) {
  EXPECT_EQ(error_of(small_model_with("[-1, 1, Conv,", "[-4, 1, Conv,")).where().line, 9);
  EXPECT_EQ(error_of(small_model_with("[-1, 1, Conv,", "[2, 1, Conv,")).where().line, 9);
  EXPECT_EQ(error_of(small_model_with("[-1, 1, Focus,", "[-2, 1, Focus,")).where().line, 7);
}

TEST(ModelPlan, ConcatOfDifferentGridsIsAnError) {
  const std::string equal = small_model_with("head:\n", "head:\n  - [[-1, 2], 1, Concat, [1]]\n");
  EXPECT_EQ(plan_of(equal).layers[3].out_channels, 32);
  EXPECT_THAT(plan_of(equal).save, ElementsAre(2));
  const Error error =
      error_of(small_model_with("head:\n", "head:\n  - [[-1, 1], 1, Concat, [1]]\n"));
  EXPECT_EQ(error.where().line, 11);
  EXPECT_THAT(error.what(), HasSubstr("different grid sizes"));
}

TEST(ModelPlan, UpsampleHalvesTheStride) {
  const auto plan =
      plan_of(small_model_with("head:\n", "head:\n  - [-1, 1, nn.Upsample, [None, 2, nearest]]\n"));
  EXPECT_EQ(plan.layers[3].stride, 2);
  EXPECT_EQ(plan.layers[5].stride, 2);
}

TEST(ModelPlan, DetectMustComeLastWithOneInputPerRowOfAnchors) {
  EXPECT_ERROR(kConfig, "the last layer must be Detect",
               plan_of(small_model_with("  - [[], 1, Detect, [nc, anchors]]\n", "")));
  EXPECT_EQ(error_of(small_model_with("[[], 1, Detect", "[[3, 3], 1, Detect")).where().line, 12);
  EXPECT_EQ(error_of(small_model_with("na * (nc + 5)", "17")).where().line, 12)
      << "no output convolution";
}

TEST(ModelPlan, HeadInputsOfJuly2020AreConvolutions) {
  std::string text = "version: 1\n" + small_model_with("nn.Conv2d", "Conv");
  const Error error = error_of(text.replace(text.find("[[]"), 3, "[[3]"));
  EXPECT_EQ(error.where().line, 13);
  EXPECT_THAT(error.what(), HasSubstr("input 3 is not an nn.Conv2d"));
}

// Q42: any convolution of the head's width was taken for an output convolution.
TEST(ModelPlan, HeadInputsAreFoundByKindNotByWidthAlone) {
  const ModelPlan plan = plan_of(small_model_with("[16, 3]", "[14, 3]"));
  EXPECT_EQ(plan.layers[0].out_channels, 14);
  EXPECT_THAT(plan.layers[4].inputs, ElementsAre(3));
}

}  // namespace
}  // namespace gannet
