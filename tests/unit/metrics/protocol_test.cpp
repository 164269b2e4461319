#include "gannet/metrics/protocol.h"

#include <gtest/gtest.h>

#include "gannet/core/error.h"

namespace gannet {
namespace {

TEST(MetricProtocol, NamesGoBothWays) {
  for (const std::string_view name : {"july2020", "v7", "coco"})
    EXPECT_EQ(name_of(protocol_named(name)), name);
}

TEST(MetricProtocol, AnotherNameIsAnErrorThatListsThem) {
  try {
    protocol_named("v8");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(error.advice(), "july2020, v7 or coco");
  }
}

}  // namespace
}  // namespace gannet
