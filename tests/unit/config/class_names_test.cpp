#include "gannet/config/class_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gannet/core/error.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;

TEST(ClassNames, AreAPythonDict) {
  EXPECT_EQ(class_names_text({"cat", "stop sign"}), "{0: 'cat', 1: 'stop sign'}");
  EXPECT_EQ(class_names_text({"it's", "a\\b", "größe"}),
            "{0: \"it's\", 1: \"a\\\\b\", 2: 'größe'}");
}

TEST(ClassNames, ComeBackAsTheyWere) {
  const std::vector<std::string> names = {"it's", "a\\b", "say \"x\"", "größe",
                                          "yes",  "1",    "a: b",      "two\nlines"};
  EXPECT_EQ(parse_class_names(class_names_text(names), "m.onnx"), names);
}

TEST(ClassNames, OtherFormsOfOtherTools) {
  EXPECT_THAT(parse_class_names("['cat', 'dog']", "m"), ElementsAre("cat", "dog"));
  EXPECT_THAT(parse_class_names(R"({"0": "cat", "1": "dog"})", "m"), ElementsAre("cat", "dog"));
  EXPECT_THAT(parse_class_names("{1: 'dog', 0: 'cat'}", "m"), ElementsAre("cat", "dog"));
}

TEST(ClassNames, AreRefusedWhereOneIsMissing) {
  EXPECT_ERROR(kConfig, "class 1 has no name", parse_class_names("{0: 'a', 2: 'c'}", "m"));
  EXPECT_ERROR(kConfig, "class 0 has no name", parse_class_names("{1: 'a'}", "m"));
  EXPECT_ERROR(kConfig, "no class names", parse_class_names("[]", "m"));
  EXPECT_ERROR(kConfig, "not a class number", parse_class_names("{a: 'b'}", "m"));
}

}  // namespace
}  // namespace gannet
