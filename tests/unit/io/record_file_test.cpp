#include "gannet/io/record_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "gannet/core/atomic_file.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using namespace std::string_literals;
using RecordFileTest = testing::TemporaryFolder;

// The crc of "123456789" is 0xe3069283; turned right by 15 bits and increased by 0xa282ead8 it is
// 0x2507c60d + 0xa282ead8 = 0xc78ab0e5.
TEST(FrameRecord, HoldsLengthRecordAndBothChecksums) {
  const std::string framed = frame_record("123456789");
  ASSERT_EQ(framed.size(), 8u + 4 + 9 + 4);
  EXPECT_EQ(framed.substr(0, 8), "\x09\0\0\0\0\0\0\0"s);
  EXPECT_EQ(framed.substr(12, 9), "123456789");
  EXPECT_EQ(framed.substr(21), "\xe5\xb0\x8a\xc7");
}

TEST_F(RecordFileTest, GrowsByWholeRecords) {
  RecordFile file(folder_ / "records");
  file.append("a");
  EXPECT_EQ(read_file(folder_ / "records"), frame_record("a"));  // while it is open
  file.append("");
  EXPECT_EQ(read_file(folder_ / "records"), frame_record("a") + frame_record(""));
  EXPECT_ERROR(kIo, "records", RecordFile(folder_ / "records"));
}

TEST_F(RecordFileTest, EndsBeforeTheRecordThatFindsNoRoom) {
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{60, before.rlim_max};
  RecordFile file(folder_ / "records");
  file.append("a");
  ::setrlimit(RLIMIT_FSIZE, &limit);
  EXPECT_ERROR(kIo, "cannot write", file.append(std::string(100, 'b')));
  file.append("c");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_file(folder_ / "records"), frame_record("a") + frame_record("c"));
}

}  // namespace
}  // namespace gannet
