#include "gannet/config/model_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/small_model.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::small_model_with;

Error error_of(const std::string& text) {
  return testing::thrown_error([&] { parse_model_description(text, "m.yaml"); });
}

ModelDescription vector_model(const std::string& name) {
  return load_model_description(std::string(GANNET_SOURCE_DIR) + "/tests/parity/vectors/models/" +
                                name + ".yaml");
}

TEST(ModelDescription, ReadsEveryPart) {
  const auto model = parse_model_description(testing::kSmallModel, "m.yaml");
  EXPECT_EQ(model.file, "m.yaml");
  EXPECT_EQ(model.text, testing::kSmallModel);
  EXPECT_EQ(model.num_classes, 2);
  EXPECT_EQ(model.depth_multiple, 0.5);
  ASSERT_EQ(model.anchors_px.size(), 1U);
  EXPECT_EQ(model.anchors_px[0][1], (std::array<float, 2>{16, 30}));
  ASSERT_EQ(model.layers.size(), 5U);
  EXPECT_EQ(model.layers[1].module, "BottleneckCSP");
  EXPECT_EQ(model.layers[1].number, 3);
  EXPECT_EQ(model.layers[1].line, 8);
  EXPECT_THAT(model.layers[1].from, ElementsAre(-1));
  EXPECT_TRUE(model.layers[4].from.empty());
  EXPECT_EQ(std::get<ModelSymbol>(model.layers[3].args[0].value), ModelSymbol::kHeadChannels);
}

TEST(ModelDescription, UnknownExpressionNamesItsLine) {
  const Error error = error_of(small_model_with("na * (nc + 5)", "na * (nc + 6)"));
  EXPECT_EQ(error.kind(), ErrorKind::kConfig);
  EXPECT_EQ(error.where().line, 11);
  EXPECT_THAT(error.what(), HasSubstr("na * (nc + 6)"));
  EXPECT_EQ(error_of(small_model_with("[20, 3, 2]", "[__import__, 3, 2]")).where().line, 9);
}

TEST(ModelDescription, UnknownKeyNamesTheNearest) {
  const Error error = error_of(small_model_with("depth_multiple", "depth_multipel"));
  EXPECT_EQ(error.where().line, 2);
  EXPECT_THAT(error.what(), HasSubstr("did you mean 'depth_multiple'?"));
}

TEST(ModelDescription, AnchorsComeInPairsOfPositiveSizes) {
  EXPECT_EQ(error_of(small_model_with("[10, 13, 16, 30]", "[10, 13, 16]")).where().line, 5);
  EXPECT_EQ(error_of(small_model_with("[10, 13, 16, 30]", "[10, 13, 16, 0]")).where().line, 5);
  EXPECT_EQ(error_of(small_model_with("16, 30]\n", "16, 30]\n  - [1, 2]\n")).where().line, 6);
}

TEST(ModelDescription, WrongShapesOfRowsAndNumbers) {
  EXPECT_EQ(error_of(small_model_with("[-1, 1, Conv, [20, 3, 2]]", "[-1, 1, Conv]")).where().line,
            9);
  EXPECT_EQ(error_of(small_model_with("nc: 2", "nc: 0")).where().line, 1);
  EXPECT_EQ(error_of(small_model_with("width_multiple: 0.5", "width_multiple: -1")).where().line,
            3);
  EXPECT_EQ(error_of("nc: 2\nanchors: [[1, 2]]\nbackbone: []\n").where().key, "head");
  EXPECT_NE(error_of("").kind(), ErrorKind::kInternal);
}

TEST(ModelDescription, GenerationFollowsFromTheInputsOfDetect) {
  for (const char* name : {"narrow", "narrow-fpn", "narrow-spp", "shallow"})
    EXPECT_EQ(vector_model(name).generation, Generation::kJuly2020) << name;
  EXPECT_EQ(vector_model("narrow-v7").generation, Generation::kRelease7);
}

TEST(ModelDescription, VersionKeyDecidesTheGeneration) {
  EXPECT_EQ(parse_model_description("version: 7\n" + testing::kSmallModel, "m.yaml").generation,
            Generation::kRelease7);
  EXPECT_EQ(parse_model_description("version: 1\n" + testing::kSmallModel, "m.yaml").generation,
            Generation::kJuly2020);
  EXPECT_EQ(error_of("version: 12\n" + testing::kSmallModel).where().key, "version");
}

TEST(ModelDescription, ArgumentsPrintAsInPython) {
  const std::vector<ModelArg> args = {{std::int64_t{64}},
                                      {0.5},
                                      {1.0},
                                      {std::monostate{}},
                                      {std::string("nearest")},
                                      {true},
                                      {ModelArg::List{{std::int64_t{5}}}}};
  EXPECT_EQ(to_string(args), "[64, 0.5, 1.0, None, 'nearest', True, [5]]");
}

}  // namespace
}  // namespace gannet
