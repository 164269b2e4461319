#include "gannet/core/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iterator>

#include "gannet/core/error.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

class AtomicFile : public testing::TemporaryFolder {
 protected:
  std::ptrdiff_t num_files() const {
    return std::distance(std::filesystem::directory_iterator(folder_),
                         std::filesystem::directory_iterator());
  }
};

TEST_F(AtomicFile, ReplacesTheOldFile) {
  const std::string file = write("a.txt", "a longer old content");
  write_file_atomically(file, "new");
  EXPECT_EQ(read_file(file), "new");
  EXPECT_EQ(num_files(), 1);
}

TEST_F(AtomicFile, PiecesFollowEachOtherWithAllBytes) {
  write_file_atomically(path("a.bin"), [](const WriteBytes& put) {
    put("a\0b", 3);
    put("", 0);
    put("\n", 1);
  });
  EXPECT_EQ(read_file(path("a.bin")), std::string("a\0b\n", 4));
}

TEST_F(AtomicFile, OldFileStaysWholeWhenTheProducerThrows) {
  const std::string file = write("a.txt", "old");
  const auto broken = [](const WriteBytes& put) {
    put("half", 4);
    throw std::runtime_error("stopped");
  };
  EXPECT_THROW(write_file_atomically(file, broken), std::runtime_error);
  EXPECT_EQ(read_file(file), "old");
  EXPECT_EQ(num_files(), 1) << "a temporary file is left";
}

TEST_F(AtomicFile, TargetThatCannotBeReplacedIsAnError) {
  make_folder("a.txt/inside");
  EXPECT_ERROR(kIo, "cannot replace", write_file_atomically(path("a.txt"), "new"));
  EXPECT_EQ(num_files(), 1) << "a temporary file is left";
}

TEST_F(AtomicFile, ErrorsNameTheFile) {
  const Error writing =
      testing::thrown_error([&] { write_file_atomically(path("none/a.txt"), "new"); });
  EXPECT_EQ(writing.kind(), ErrorKind::kIo);
  EXPECT_EQ(writing.where().path, path("none/a.txt"));
  const Error reading = testing::thrown_error([&] { read_file(path("none.txt")); });
  EXPECT_EQ(reading.kind(), ErrorKind::kIo);
  EXPECT_EQ(reading.where().path, path("none.txt"));
}

TEST_F(AtomicFile, LinkReplacesAndLaterWritesPart) {
  const std::string first = write("a.txt", "new"), second = write("b.txt", "old");
  ASSERT_TRUE(replace_by_link(first, second));
  EXPECT_EQ(read_file(second), "new");
  write_file_atomically(first, "newer");
  EXPECT_EQ(read_file(second), "new");
  EXPECT_FALSE(replace_by_link(path("none"), second));
  EXPECT_EQ(read_file(second), "new");
  EXPECT_EQ(num_files(), 2);
}

TEST_F(AtomicFile, OnlyWhatTheDeadLeftIsRemoved) {
  const auto number = [](pid_t process) { return std::to_string(process); };
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  const std::string dead = write("last.pt.tmp" + number(child), "half");
  const std::string living = write("last.pt.tmp" + number(::getppid()), "half");
  const std::string other = write("notes.tmp", "mine");
  remove_abandoned_files(folder_);
  EXPECT_FALSE(std::filesystem::exists(dead));
  EXPECT_TRUE(std::filesystem::exists(living));
  EXPECT_TRUE(std::filesystem::exists(other));
}

}  // namespace
}  // namespace gannet
