// A world of real process groups on Gloo, one thread a rank: collectives, failures and gradient
// sums as between processes, with results that a test can compare.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "gannet/dist/communicator.h"
#include "gannet/dist/process_group.h"

namespace gannet::testing {

/// A listening socket on a free port, for rank 0 to take over.
inline std::pair<int, int> socket_and_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length), 0);
  return {descriptor, ntohs(address.sin_port)};
}

/// Calls `work` on every rank; rethrows the first exception of the lowest rank that threw.
inline void run_gloo_world(int size, const std::function<void(Communicator&)>& work,
                           double timeout_seconds = 60) {
  const auto [descriptor, port] = socket_and_port();
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(size));
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < size; ++rank) {
      threads.emplace_back([&, rank, listening = descriptor, port_of_store = port] {
        try {
          WorldSpec world;
          world.rank = world.local_rank = rank;
          world.size = world.local_size = size;
          world.port = port_of_store;
          if (rank == 0) world.listen_descriptor = listening;
          ProcessGroupOptions options;
          options.timeout_seconds = timeout_seconds;
          options.check_order = true;
          const auto comm = join_process_group(world, options);
          work(*comm);
        } catch (...) {
          failures[static_cast<std::size_t>(rank)] = std::current_exception();
        }
      });
    }
  }
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace gannet::testing
