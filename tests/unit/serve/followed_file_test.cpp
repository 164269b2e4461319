#include "gannet/serve/followed_file.h"

#include <sys/stat.h>

#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

class FollowedFile : public testing::TemporaryFolder {
 protected:
  void add(const std::string& text) { std::ofstream(path("file"), std::ios::app) << text; }
};

TEST_F(FollowedFile, LinesComeWholeAndOnce) {
  GrowingFile file(folder_ / "file");
  EXPECT_FALSE(file.read());
  add("one\ntw");
  auto part = file.read();
  ASSERT_TRUE(part);
  EXPECT_TRUE(part->first);
  EXPECT_EQ(part->text, "one\n");
  EXPECT_FALSE(file.read());
  add("o\n");
  part = file.read();
  ASSERT_TRUE(part);
  EXPECT_FALSE(part->first);
  EXPECT_EQ(part->text, "two\n");
}

TEST_F(FollowedFile, AFileThatBeginsAnewIsReadAnew) {
  add("one\ntwo\n");
  GrowingFile file(folder_ / "file");
  ASSERT_TRUE(file.read());
  write("file", "new\n");
  const auto part = file.read();
  ASSERT_TRUE(part);
  EXPECT_TRUE(part->first);
  EXPECT_EQ(part->text, "new\n");
}

TEST_F(FollowedFile, OfALongFileTheEndIsEnough) {
  add("first line\nsecond\nthird\n");
  GrowingFile file(folder_ / "file", 15);
  const auto part = file.read();
  ASSERT_TRUE(part);
  EXPECT_EQ(part->text, "second\nthird\n");
}

TEST_F(FollowedFile, ALongFileComesInParts) {
  std::string all;
  for (int i = 0; i < 5000; ++i) all.append(99, 'x').append(1, '\n');
  add(all);
  GrowingFile file(folder_ / "file");
  std::string read;
  int parts = 0;
  while (const auto part = file.read()) {
    EXPECT_EQ(part->first, parts == 0);
    read += part->text;
    ++parts;
  }
  EXPECT_EQ(read, all);
  EXPECT_EQ(parts, 2);
}

TEST_F(FollowedFile, ReplacedContentComesOnce) {
  ReplacedFile file(folder_ / "file");
  EXPECT_FALSE(file.read());
  write("file", "one");
  EXPECT_EQ(file.read(), "one");
  EXPECT_FALSE(file.read());
  write("file", "second");
  EXPECT_EQ(file.read(), "second");
}

TEST_F(FollowedFile, LinksAndPipesCountAsAbsent) {
  write("target", "text");
  std::filesystem::create_symlink(folder_ / "target", folder_ / "link");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  for (const char* name : {"link", "pipe", "gone", "."}) {
    EXPECT_FALSE(stamp_of(folder_ / name)) << name;
    EXPECT_FALSE(read_plain_file(folder_ / name, 100)) << name;
    EXPECT_FALSE(ReplacedFile(folder_ / name).read()) << name;
  }
}

}  // namespace
}  // namespace gannet
