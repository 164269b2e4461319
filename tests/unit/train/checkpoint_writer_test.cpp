#include "gannet/train/checkpoint_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "gannet/core/atomic_file.h"
#include "gannet/io/torch_file.h"
#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class CheckpointWriting : public testing::TemporaryFolder {
 protected:
  static Value state(int number) { return Value::dict({{"number", number}}); }
  std::int64_t number_in(const std::string& name) const {
    return load_torch_file(path(name)).int_at("number");
  }
  CheckpointWriter writer;
};

TEST_F(CheckpointWriting, FilesOfOneStateAreWrittenOnce) {
  writer.write([] { return state(1); }, {{path("last.pt"), 3}, {path("best.pt"), 3, true, true}});
  writer.wait();
  const auto finished = writer.take_finished();
  ASSERT_EQ(finished.size(), 2u);
  EXPECT_TRUE(finished[0].failure.empty() && finished[1].failure.empty());
  EXPECT_TRUE(fs::equivalent(path("last.pt"), path("best.pt")));
  writer.write([] { return state(2); }, {{path("last.pt"), 4}});
  writer.wait();
  EXPECT_EQ(number_in("last.pt"), 2);
  EXPECT_EQ(number_in("best.pt"), 1);
}

TEST_F(CheckpointWriting, StateMayChangeOnceItIsCopied) {
  std::atomic<int> number = 5;
  std::atomic<bool> go_on = false;
  writer.write(
      [&] {
        while (!go_on) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        return state(number);
      },
      {{path("last.pt")}});
  EXPECT_TRUE(writer.busy());
  go_on = true;
  writer.wait_until_copied();
  number = 6;
  writer.wait();
  EXPECT_FALSE(writer.busy());
  EXPECT_EQ(number_in("last.pt"), 5);
  EXPECT_GT(writer.longest_pause_seconds(), 0.02);
}

TEST_F(CheckpointWriting, WhatCouldNotBeWrittenIsTriedAgain) {
  write("weights", "a file where the folder should be");
  writer.write([] { return state(1); },
               {{path("weights/last.pt")}, {path("weights/best.pt"), 0, true, true}});
  writer.wait();
  auto finished = writer.take_finished();
  ASSERT_EQ(finished.size(), 2u);
  EXPECT_THAT(finished[0].failure, HasSubstr("weights"));
  fs::remove(path("weights"));
  writer.write([] { return state(2); }, {{path("weights/last.pt")}});
  writer.wait();
  finished = writer.take_finished();
  ASSERT_EQ(finished.size(), 2u);
  EXPECT_TRUE(finished[0].failure.empty() && finished[1].failure.empty());
  EXPECT_EQ(number_in("weights/best.pt"), 1) << "the best state must not be lost";
  EXPECT_EQ(number_in("weights/last.pt"), 2);
}

TEST_F(CheckpointWriting, NewerStateReplacesOneThatCouldNotBeWritten) {
  write("weights", "a file where the folder should be");
  writer.write([] { return state(1); }, {{path("weights/best.pt"), 0, true, true}});
  writer.wait();
  fs::remove(path("weights"));
  writer.write([] { return state(2); }, {{path("weights/best.pt"), 1, true, true}});
  writer.wait();
  EXPECT_EQ(number_in("weights/best.pt"), 2);
}

TEST_F(CheckpointWriting, FailureToCopyIsReported) {
  write("last.pt", "old");
  writer.write([]() -> Value { throw std::runtime_error("out of memory"); }, {{path("last.pt")}});
  writer.wait_until_copied();
  writer.wait();
  const auto finished = writer.take_finished();
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].failure, "out of memory");
  EXPECT_EQ(read_file(path("last.pt")), "old");
}

}  // namespace
}  // namespace gannet
