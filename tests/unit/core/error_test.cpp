#include "gannet/core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

TEST(Error, TextNamesPlaceKeyAndAdvice) {
  const Error full(ErrorKind::kConfig, "is wrong", {"a.yaml", 3, "nc"}, "use 1");
  EXPECT_STREQ(full.what(), "a.yaml:3: nc: is wrong (use 1)");
  EXPECT_EQ(full.message(), "is wrong");
  EXPECT_EQ(full.where().line, 3);
  EXPECT_EQ(full.advice(), "use 1");
}

TEST(Error, EmptyPartsAreLeftOut) {
  EXPECT_STREQ(Error(ErrorKind::kData, "no images").what(), "no images");
  EXPECT_STREQ(Error(ErrorKind::kData, "empty", {"a.txt", 0, {}}).what(), "a.txt: empty");
  EXPECT_STREQ(Error(ErrorKind::kUsage, "too big", {{}, 9, "--epochs"}).what(),
               "--epochs: too big");
}

TEST(Error, TextIsOneLine) {
  EXPECT_STREQ(Error(ErrorKind::kIo, "first\nsecond").what(), "first second");
}

TEST(Error, KindDecidesTheExitCode) {
  const auto code = [](ErrorKind kind) { return Error(kind, "").exit_code(); };
  EXPECT_EQ(code(ErrorKind::kUsage), 2);
  EXPECT_EQ(code(ErrorKind::kInterrupted), 3);
  EXPECT_EQ(code(ErrorKind::kDistributed), 4);
  for (const ErrorKind kind : {ErrorKind::kConfig, ErrorKind::kData, ErrorKind::kCheckpoint,
                               ErrorKind::kIo, ErrorKind::kNumeric, ErrorKind::kInternal})
    EXPECT_EQ(code(kind), 1);
}

TEST(Check, ThrowsOnlyWhenFalse) {
  EXPECT_NO_THROW(GANNET_CHECK(1 + 1 == 2, "sum"));
  const Error error = testing::thrown_error([] { GANNET_CHECK(1 + 1 == 3, "sum"); });
  EXPECT_EQ(error.kind(), ErrorKind::kInternal);
  EXPECT_THAT(error.what(),
              ::testing::AllOf(::testing::HasSubstr("sum"), ::testing::HasSubstr("1 + 1 == 3"),
                               ::testing::HasSubstr("error_test.cpp")));
}

}  // namespace
}  // namespace gannet
