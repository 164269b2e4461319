#include "gannet/core/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace gannet {
namespace {

TEST(BoundedQueue, KeepsOrderAndBound) {
  BoundedQueue<int> queue(2);
  std::atomic<int> ahead{0};
  int most = 0;
  std::thread producer([&] {
    for (int i = 0; i < 1000; ++i) {
      queue.push(i);
      ++ahead;
    }
    queue.close();
  });
  for (int i = 0; i < 1000; ++i) {
    const auto item = queue.pop();
    most = std::max(most, ahead.load() - i);
    ASSERT_TRUE(item);
    EXPECT_EQ(*item, i);
  }
  EXPECT_FALSE(queue.pop());
  EXPECT_LE(most, 4);  // two in the queue, one taken, one counted late
  producer.join();
}

TEST(BoundedQueue, AbandoningFreesAWaitingProducer) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.push(1));
  std::thread producer([&] { EXPECT_FALSE(queue.push(2)); });
  queue.abandon();
  producer.join();
  EXPECT_FALSE(queue.pop());
}

}  // namespace
}  // namespace gannet
