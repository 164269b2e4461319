#include "gannet/ops/side_by_side.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

namespace gannet {
namespace {

TEST(SideBySide, DoesEverythingOnceWithOneThreadInsideOperators) {
  const int before = at::get_num_threads();
  for (const int threads : {1, 3, 20}) {
    std::vector<std::atomic<int>> calls(7);
    for_each_side_by_side(7, threads, [&](int i) {
      EXPECT_EQ(at::get_num_threads(), 1);
      ++calls[static_cast<std::size_t>(i)];
    });
    for (const auto& count : calls) EXPECT_EQ(count, 1) << threads << " threads";
  }
  EXPECT_EQ(at::get_num_threads(), before);
  for_each_side_by_side(0, 2, [](int) { ADD_FAILURE() << "there is nothing to do"; });
}

TEST(SideBySide, ThrowsTheFirstFailureAndBeginsNothingAfterIt) {
  for (const int threads : {1, 2}) {
    std::atomic<int> begun = 0;
    try {
      for_each_side_by_side(9, threads, [&](int i) {
        ++begun;
        if (i >= 2) throw std::runtime_error(std::to_string(i));
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "2");
    }
    EXPECT_LE(begun, 2 + threads) << "each thread has at most one failure";
  }
}

}  // namespace
}  // namespace gannet
