#include "gannet/dist/process_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>

#include "gannet/core/error.h"
#include "tests/unit/gloo_world.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::run_gloo_world;

TEST(ProcessGroup, SumsGathersAndBroadcasts) {
  run_gloo_world(3, [](Communicator& comm) {
    EXPECT_EQ(comm.world_size(), 3);
    const auto sum = comm.sum("sum", torch::full({2}, comm.rank() + 1, torch::kFloat64));
    EXPECT_EQ(sum[1].item<double>(), 6);
    EXPECT_THAT(comm.gather("gather", std::string(static_cast<std::size_t>(comm.rank()), 'x')),
                ElementsAre("", "x", "xx"));
    EXPECT_EQ(comm.broadcast("broadcast", comm.is_main() ? "from rank 0" : ""), "from rank 0");
    EXPECT_EQ(comm.broadcast("nothing", ""), "");
  });
}

// Few bytes take another way than many.
TEST(ProcessGroup, ManyRanksHaveTheSameSums) {
  for (const int world : {8, 11}) {
    run_gloo_world(world, [world](Communicator& comm) {
      for (const std::int64_t size : {1, 13, 5000}) {
        const auto sum = comm.sum("sum", torch::arange(size, torch::kFloat64) + comm.rank());
        EXPECT_EQ(sum[size - 1].item<double>(),
                  world * static_cast<double>(size - 1) + world * (world - 1) / 2.0);
      }
    });
  }
}

TEST(ProcessGroup, LeavesTheLocalTensorAsItWas) {
  run_gloo_world(2, [](Communicator& comm) {
    const auto local = torch::ones({1});
    comm.sum("sum", local);
    EXPECT_EQ(local.item<float>(), 1);
  });
}

TEST(ProcessGroup, OneRankOfAMachineGoesFirst) {
  std::atomic<int> order = 0, first = -1;
  run_gloo_world(3, [&](Communicator& comm) {
    comm.one_first("scan", [&] {
      if (order++ == 0) first = comm.rank();
    });
  });
  EXPECT_EQ(order, 3);
  EXPECT_EQ(first, 0);
}

TEST(ProcessGroup, GradientsAreSummedAcrossRanksAndAccumulatedWithout) {
  run_gloo_world(2, [](Communicator& comm) {
    auto weight = torch::ones({3}, torch::requires_grad());
    const auto reducer = comm.reduce_gradients({weight}, GradientCompression::kNone);
    const double factor = comm.rank() + 1;
    (weight.sum() * factor).backward();        // accumulates: 1 and 2
    reducer->backward(weight.sum() * factor);  // 2 and 4 summed
    EXPECT_EQ(weight.grad()[0].item<double>(), 6);
    weight.mutable_grad().zero_();
    reducer->backward(weight.sum() * factor);
    EXPECT_EQ(weight.grad()[2].item<double>(), 3);
    EXPECT_GE(reducer->exposed_seconds(), 0);
  });
}

TEST(ProcessGroup, CompressedGradientsAreRoundedToBfloat16) {
  run_gloo_world(2, [](Communicator& comm) {
    auto weight = torch::ones({64}, torch::requires_grad());
    const auto reducer = comm.reduce_gradients({weight}, GradientCompression::kBf16);
    reducer->backward(weight.sum() * 1.001);  // 1.001 becomes 1 in bfloat16
    EXPECT_EQ(weight.grad().scalar_type(), torch::kFloat32);
    EXPECT_EQ(weight.grad()[0].item<float>(), 2);
  });
}

TEST(ProcessGroup, CompressedGradientsAreRoundedToHalf) {
  run_gloo_world(2, [](Communicator& comm) {
    auto weight = torch::ones({64}, torch::requires_grad());
    const auto reducer = comm.reduce_gradients({weight}, GradientCompression::kFp16);
    reducer->backward(weight.sum() * 1.001);  // 1.001 becomes 1 + 1/1024 in half precision
    EXPECT_EQ(weight.grad().scalar_type(), torch::kFloat32);
    EXPECT_EQ(weight.grad()[0].item<float>(), 2 + 2.0F / 1024);
  });
}

// Every rank ends, and each names the one that failed and why.
class FailingRank : public ::testing::TestWithParam<int> {};

TEST_P(FailingRank, TellsTheOthersWhy) {
  std::mutex mutex;
  std::vector<std::string> texts;
  const auto work = [&](Communicator& comm) {
    if (comm.rank() == GetParam()) {
      comm.abandon("labels/a.txt cannot be read");
      return;
    }
    const Error error = testing::thrown_error([&] { comm.sum("loss.counts", torch::ones({1})); });
    EXPECT_EQ(error.kind(), ErrorKind::kDistributed);
    const std::scoped_lock lock(mutex);
    texts.emplace_back(error.what());
  };
  run_gloo_world(3, work);
  ASSERT_EQ(texts.size(), 2u);
  for (const std::string& text : texts) {
    EXPECT_THAT(text, HasSubstr("labels/a.txt cannot be read"));
    EXPECT_THAT(text, HasSubstr("rank " + std::to_string(GetParam()) + " on"));
    EXPECT_THAT(text, HasSubstr("'loss.counts'"));
  }
}
INSTANTIATE_TEST_SUITE_P(ProcessGroup, FailingRank,
                         ::testing::Values(0, 1, 2));  // rank 0 holds the store

TEST(ProcessGroup, ARankThatStallsIsNamedAfterTheTimeout) {
  std::promise<void> named;
  run_gloo_world(
      2,
      [&](Communicator& comm) {
        if (comm.rank() == 1) {  // stalls until it is missed
          EXPECT_EQ(named.get_future().wait_for(std::chrono::minutes(1)),
                    std::future_status::ready);
          return;
        }
        const Error error = testing::thrown_error([&] { comm.sum("sum", torch::ones({1})); });
        EXPECT_THAT(error.what(), HasSubstr("rank 1"));
        named.set_value();
      },
      2);
}

TEST(ProcessGroup, NamesRanksThatNeverCame) {
  WorldSpec world;
  world.size = 3;
  const auto [descriptor, port] = testing::socket_and_port();
  world.port = port;
  world.listen_descriptor = descriptor;
  ProcessGroupOptions options;
  options.timeout_seconds = 1;
  const Error error = testing::thrown_error([&] { join_process_group(world, options); });
  EXPECT_EQ(error.kind(), ErrorKind::kDistributed);
  EXPECT_THAT(error.what(), HasSubstr("2 of 3 ranks have not come within 1 s: 1, 2"));
}

TEST(ProcessGroup, APortOfAnotherRunIsRefusedAndThatRunGoesOn) {
  const auto [descriptor, port] = testing::socket_and_port();
  const auto world_of = [&, number = port](int rank, int size) {
    WorldSpec world;
    world.rank = world.local_rank = rank;
    world.size = world.local_size = size;
    world.port = number;
    return world;
  };
  ProcessGroupOptions options;
  options.timeout_seconds = 20;
  std::atomic<int> met = 0, refused = 0;
  const auto run = [&, listening = descriptor](int rank) {
    WorldSpec world = world_of(rank, 2);
    if (rank == 0) world.listen_descriptor = listening;
    const auto comm = join_process_group(world, options);
    comm->sum("before", torch::ones({1}));
    ++met;
    while (refused < 2) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(comm->sum("after", torch::ones({1})).item<float>(), 2);
  };
  std::jthread first([&] { run(0); }), second([&] { run(1); });
  while (met < 2) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  for (const auto& [rank, size] : {std::pair(1, 2), std::pair(2, 3)}) {
    const Error error = testing::thrown_error(
        [&, r = rank, s = size] { join_process_group(world_of(r, s), options); });
    EXPECT_EQ(error.exit_code(), 4);
    EXPECT_THAT(error.what(), HasSubstr("belongs to another run"));
    EXPECT_THAT(error.what(), HasSubstr(std::to_string(port)));
    ++refused;
  }
}

TEST(ProcessGroup, SaysThatRankZeroIsNotThere) {
  WorldSpec world;
  world.size = 2;
  world.rank = 1;
  world.port = 1;  // nobody listens there
  ProcessGroupOptions options;
  options.timeout_seconds = 1;
  EXPECT_THAT(testing::thrown_error([&] { join_process_group(world, options); }).what(),
              HasSubstr("finds no rank 0 at 127.0.0.1:1"));
  world.address = "no-such-host.invalid";
  EXPECT_THAT(testing::thrown_error([&] { join_process_group(world, options); }).what(),
              HasSubstr("does not know the name no-such-host.invalid"));
}

TEST(ProcessGroup, RefusesCallsInDifferentOrder) {
  EXPECT_ERROR(
      kDistributed, "is 'b' on rank 1",
      run_gloo_world(
          2, [](Communicator& comm) { comm.sum(comm.is_main() ? "a" : "b", torch::ones({1})); },
          5));
}

}  // namespace
}  // namespace gannet
