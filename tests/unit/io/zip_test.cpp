#include "gannet/io/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gannet/core/error.h"
#include "tests/unit/io/pickle_bytes.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::number;
using testing::raw;
using testing::zip_of;

std::string error_of(const std::string& file, const std::string& name = {}) {
  try {
    const ZipReader zip(make_storage(file));
    if (!name.empty()) zip.read(name);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  EXPECT_EQ(from.size(), to.size());
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// One deflated entry "a" of 32 letters 'x', as Python's zipfile writes it.
std::string deflated(std::uint32_t claimed_size = 32) {
  const std::string content = raw("\xab\xa8\xc0\x0f\0");
  const std::string sizes =
      raw("\x88\x3d\xce\0") + number(content.size(), 4) + number(claimed_size, 4);
  const std::string local =
      raw("PK\x03\x04\x14\0\0\0\x08\0\0\0\x21\0") + sizes + raw("\x01\0\0\0") + "a" + content;
  const std::string central = raw("PK\x01\x02\x14\0\x14\0\0\0\x08\0\0\0\x21\0") + sizes +
                              raw("\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") + "a";
  return local + central + raw("PK\x05\x06\0\0\0\0\x01\0\x01\0") + number(central.size(), 4) +
         number(local.size(), 4) + raw("\0\0");
}

TEST(ZipTest, GivesBackWhatWasWritten) {
  const std::string file =
      zip_of({{"r/a", "hello"}, {"r/empty", ""}, {"r/b", std::string(100, 'b')}});
  const ZipReader zip(make_storage(file));
  EXPECT_THAT(zip.names(), ElementsAre("r/a", "r/empty", "r/b"));
  EXPECT_EQ(as_text(*zip.read("r/a")), "hello");
  EXPECT_EQ(as_text(*zip.read("r/empty")), "");
  EXPECT_EQ(zip.read("r/b")->size, 100U);
  EXPECT_FALSE(zip.contains("r/c"));
  EXPECT_ERROR(kCheckpoint, "no entry 'r/c'", zip.read("r/c"));
}

TEST(ZipTest, DataBeginAtMultiplesOf64) {
  const StoragePtr file =
      make_storage(zip_of({{"a", "1"}, {"some/longer/name", "22"}, {"c", "3"}}));
  const ZipReader zip(file);
  for (const std::string& name : zip.names()) {
    EXPECT_EQ((zip.read(name)->data - file->data) % 64, 0) << name;
  }
}

TEST(ZipTest, Zip64FieldsAreWrittenAndRead) {
  std::string file;
  ZipWriter writer([&](const void* data,
                       std::size_t size) { file.append(static_cast<const char*>(data), size); },
                   /*zip64_from=*/10);
  writer.add("small", "123");
  writer.add("large", "0123456789abcdef");
  writer.finish();
  const ZipReader zip(make_storage(file));
  EXPECT_EQ(as_text(*zip.read("small")), "123");
  EXPECT_EQ(as_text(*zip.read("large")), "0123456789abcdef");
  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_NE(error_of(file.substr(0, length)), "") << length;
  }
}

TEST(ZipTest, ManyEntriesNeedZip64) {
  testing::Entries entries;
  for (int i = 0; i < 70000; ++i) entries.emplace_back(std::to_string(i), "");
  EXPECT_EQ(ZipReader(make_storage(zip_of(entries))).names().size(), 70000U);
}

TEST(ZipTest, InflatesWithinLimits) {
  const ZipReader zip(make_storage(deflated()));
  EXPECT_EQ(as_text(*zip.read("a")), std::string(32, 'x'));
  EXPECT_THAT(error_of(deflated(31), "a"), HasSubstr("does not inflate to what it claims"));
  EXPECT_THAT(error_of(deflated(33), "a"), HasSubstr("does not inflate to what it claims"));
  EXPECT_THAT(error_of(deflated(1U << 30), "a"), HasSubstr("out of proportion"));
}

TEST(ZipTest, RefusesNamesThatLeaveTheArchive) {
  for (const std::string name : {"../x", "/x", "a/../b", "a\\b", "a/.."}) {
    EXPECT_THAT(error_of(zip_of({{name, "1"}})), HasSubstr("entry with the name")) << name;
  }
  EXPECT_EQ(error_of(zip_of({{"a/..b", "1"}})), "");
}

TEST(ZipTest, RefusesDuplicatesEncryptionAndUnknownMethods) {
  EXPECT_THAT(error_of(zip_of({{"a", "1"}, {"a", "2"}})), HasSubstr("two entries"));
  const std::string file = zip_of({{"a", "1"}});
  EXPECT_THAT(error_of(replaced(file, raw("\x14\0\0\x08\0\0"), raw("\x14\0\x01\x08\0\0"))),
              HasSubstr("encrypted"));
  EXPECT_THAT(error_of(replaced(file, raw("\x14\0\0\x08\0\0"), raw("\x14\0\0\x08\x0c\0"))),
              HasSubstr("method 12"));
}

TEST(ZipTest, RefusesWrongChecksumsAndSizes) {
  std::string file = zip_of({{"a", "hello"}});
  EXPECT_THAT(error_of(replaced(file, "hello", "hallo"), "a"), HasSubstr("checksum"));
  EXPECT_THAT(error_of(replaced(file, raw("\x05\0\0\0\x05\0\0\0"),
                                raw("\xff\xff\xff\x7f\xff\xff\xff\x7f"))),
              HasSubstr("more than the file has"));
}

TEST(ZipTest, RefusesOverlappingEntries) {
  // The second entry's local header lies inside the content of the first.
  const std::string inner = zip_of({{"b", "1"}});
  const std::string outer = zip_of({{"a", inner.substr(0, 65)}});
  const std::size_t start = outer.find("PK\x01\x02");
  const std::string first = outer.substr(start, outer.find("PK\x05\x06") - start);
  std::string second = inner.substr(inner.find("PK\x01\x02"), 46 + 1);
  second.replace(42, 4, number(64, 4));
  const std::string directory = first + second;
  EXPECT_THAT(error_of(outer.substr(0, start) + directory + raw("PK\x05\x06\0\0\0\0\x02\0\x02\0") +
                       number(directory.size(), 4) + number(start, 4) + raw("\0\0")),
              HasSubstr("overlap"));
}

}  // namespace
}  // namespace gannet
