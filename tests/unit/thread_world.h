// A world of several ranks as threads of one process: tests what ranks compute without launching
// any.
#pragma once

#include <torch/types.h>

#include <barrier>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "gannet/dist/communicator.h"

namespace gannet::testing {

struct ThreadWorld {
  explicit ThreadWorld(int size)
      : barrier(size),
        tensors(static_cast<std::size_t>(size)),
        texts(static_cast<std::size_t>(size)) {}
  std::barrier<> barrier;
  std::vector<torch::Tensor> tensors;  // what each rank brought
  std::vector<std::string> texts;
};

class ThreadRank final : public Communicator {
 public:
  ThreadRank(ThreadWorld& world, int rank) : world_(world), rank_(rank) {}
  int rank() const override { return rank_; }
  int world_size() const override { return static_cast<int>(world_.texts.size()); }

  torch::Tensor sum(const std::string&, const torch::Tensor& local) override {
    world_.tensors[static_cast<std::size_t>(rank_)] = local;
    world_.barrier.arrive_and_wait();
    const torch::Tensor result = torch::stack(world_.tensors).sum(0);
    world_.barrier.arrive_and_wait();
    return result;
  }
  std::vector<std::string> gather(const std::string&, const std::string& local) override {
    world_.texts[static_cast<std::size_t>(rank_)] = local;
    world_.barrier.arrive_and_wait();
    const auto result = world_.texts;
    world_.barrier.arrive_and_wait();
    return result;
  }
  std::string broadcast(const std::string& name, const std::string& local) override {
    return gather(name, local).front();
  }

 private:
  ThreadWorld& world_;
  int rank_;
};

/// Calls `work` once for each rank, all at the same time.
inline void run_world(int size, const std::function<void(Communicator&)>& work) {
  ThreadWorld world(size);
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&world, &work, rank] {
      ThreadRank comm(world, rank);
      work(comm);
    });
  }
}

}  // namespace gannet::testing
