#include "gannet/core/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gannet {
namespace {

using ::testing::ElementsAre;

TEST(NearestName, IsTheOneWithTheFewestEdits) {
  const std::vector<std::string> names = {"epochs", "batch_size", "lr0", "lrf"};
  EXPECT_EQ(nearest_name("epoch", names), "epochs");
  EXPECT_EQ(nearest_name("batchsize", names), "batch_size");
  EXPECT_EQ(nearest_name("lrx", {"fl", "lrf"}), "lrf");
  EXPECT_EQ(nearest_name("lr1", names), "lr0");  // the first of equals
  EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(Trim, TakesBlanksOffBothEnds) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(ToLower, LeavesOtherCharacters) { EXPECT_EQ(to_lower("Adam-W 1"), "adam-w 1"); }

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("a,", ','), ElementsAre("a", ""));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

}  // namespace
}  // namespace gannet
