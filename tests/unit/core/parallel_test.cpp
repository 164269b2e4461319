#include "gannet/core/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gannet {
namespace {

TEST(ParallelFor, CallsEveryNumberOnce) {
  for (const int threads : {0, 1, 3, 16}) {
    std::vector<std::atomic<int>> calls(10);
    parallel_for(calls.size(), threads, [&](std::size_t i) { ++calls[i]; });
    for (const auto& count : calls) EXPECT_EQ(count, 1) << threads << " threads";
  }
  parallel_for(0, 4, [](std::size_t) { FAIL() << "there is nothing to do"; });
}

TEST(ParallelFor, OneThreadIsTheCallers) {
  std::set<std::thread::id> ids;
  parallel_for(5, 1, [&](std::size_t) { ids.insert(std::this_thread::get_id()); });
  EXPECT_EQ(ids, std::set{std::this_thread::get_id()});
}

TEST(ParallelFor, ThrowsTheFirstFailureByNumber) {
  for (int round = 0; round < 50; ++round) {
    try {
      parallel_for(64, 4, [](std::size_t i) {
        if (i >= 5) throw std::runtime_error(std::to_string(i));
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "5");
    }
  }
}

TEST(ParallelFor, BeginsNothingAfterAFailure) {
  int calls = 0;
  EXPECT_THROW(parallel_for(10, 1,
                            [&](std::size_t) {
                              ++calls;
                              throw std::runtime_error("no");
                            }),
               std::runtime_error);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace gannet
