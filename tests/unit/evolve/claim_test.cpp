#include "gannet/evolve/claim.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "gannet/core/atomic_file.h"
#include "gannet/evolve/shared_files.h"
#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;
constexpr double kLong = 1000;

class Claims : public testing::TemporaryFolder {
 protected:
  /// A claim of a process on another machine, last seen so many seconds ago.
  void plant_foreign(const std::string& name, int seconds_ago) const {
    write(name, "elsewhere:boot:space:1:2");
    fs::last_write_time(folder_ / name,
                        fs::file_time_type::clock::now() - std::chrono::seconds(seconds_ago));
  }
  void wait_until_lost(const Claim& claim) const {
    for (int i = 0; i < 200 && !claim.lost(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
};

TEST_F(Claims, GoToTheFirst) {
  const auto first = Claim::take(folder_, kLong);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(Claim::take(folder_, kLong), nullptr);
  EXPECT_FALSE(first->lost());
}

TEST_F(Claims, GoToOneOfManyThreads) {
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  std::vector<std::unique_ptr<Claim>> claims(8);
  for (auto& claim : claims)
    threads.emplace_back([&] {
      claim = Claim::take(folder_, kLong);
      if (claim) ++taken;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 1);
}

TEST_F(Claims, GivenBackCanBeTakenAgain) {
  Claim::take(folder_, kLong)->release();
  EXPECT_NE(Claim::take(folder_, kLong), nullptr);
}

TEST_F(Claims, OfADeadProcessOfThisMachineAreTakenOverAtOnce) {
  const pid_t child = ::fork();
  if (child == 0) {
    create_shared_file(folder_ / "claim.0", this_process());
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_TRUE(is_known_dead(read_file(folder_ / "claim.0")));
  EXPECT_NE(Claim::take(folder_, kLong), nullptr);
  EXPECT_TRUE(fs::exists(folder_ / "claim.1"));
}

TEST_F(Claims, OfAnotherMachineAreTakenOverAfterATime) {
  plant_foreign("claim.0", 30);
  EXPECT_EQ(Claim::take(folder_, 60), nullptr);
  EXPECT_NE(Claim::take(folder_, 20), nullptr);
}

TEST_F(Claims, OfALivingProcessAreNotDead) {
  EXPECT_FALSE(is_known_dead(this_process()));
  EXPECT_FALSE(is_known_dead("elsewhere:boot:space:1:2"));
  EXPECT_FALSE(is_known_dead(""));
}

TEST_F(Claims, ShowSignsOfLife) {
  const auto claim = Claim::take(folder_, 0.6);
  ASSERT_NE(claim, nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  EXPECT_LT(age_of_shared_file(folder_ / "claim.0"), 0.55);
}

TEST_F(Claims, NoticeThatAnotherHasTakenOver) {
  const auto claim = Claim::take(folder_, 0.3);
  ASSERT_NE(claim, nullptr);
  plant_foreign("claim.1", 0);
  wait_until_lost(*claim);
  EXPECT_TRUE(claim->lost());
}

TEST_F(Claims, SharedFilesAreMadeOnce) {
  EXPECT_TRUE(create_shared_file(folder_ / "a", "first"));
  EXPECT_FALSE(create_shared_file(folder_ / "a", "second"));
  EXPECT_EQ(read_file(folder_ / "a"), "first");
  replace_shared_file(folder_ / "a", "third");
  EXPECT_EQ(read_file(folder_ / "a"), "third");
  EXPECT_LT(age_of_shared_file(folder_ / "none"), 0);
  // Nothing else is left.
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace gannet
