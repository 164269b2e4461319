#include "gannet/data/video/stream_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(StreamList, NamesAddressesAndCameras) {
  EXPECT_THAT(parse_stream_list("\xEF\xBB\xBF# yard\nrtsp://host/a\n\r\n 1 \nHTTP://host/b"),
              ElementsAre("rtsp://host/a", "1", "HTTP://host/b"));
  EXPECT_THAT(parse_stream_list(""), IsEmpty());
}

TEST(StreamList, WithoutAnAddressIsNone) {
  EXPECT_THAT(parse_stream_list("1\npicture.jpg\n"), IsEmpty());
  EXPECT_THAT(parse_stream_list("rtsp:/host\nftp://host\n"), IsEmpty());
}

TEST(StreamList, AnotherLineAmongAddressesIsAnError) {
  EXPECT_ERROR(kUsage, "list.txt:2", parse_stream_list("rtsp://host/a\npicture.jpg\n", "list.txt"));
  EXPECT_ERROR(kUsage, "neither an address", parse_stream_list("1234\nrtsp://host/a\n"));
}

}  // namespace
}  // namespace gannet
