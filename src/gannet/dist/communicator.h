// The one class through which all collectives go (design rule b). All ranks make the same named
// calls in the same order. A world of one is a communicator like any other: its sums are identities.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gannet {

class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int world_size() const = 0;

  /// Sum over all ranks; the same value on each. `name` identifies the call in errors and logs.
  virtual torch::Tensor sum(const std::string& name, const torch::Tensor& local) = 0;
  /// The bytes of every rank, in rank order.
  virtual std::vector<std::string> gather(const std::string& name, const std::string& local) = 0;
  /// Rank 0's bytes on every rank.
  virtual std::string broadcast(const std::string& name, const std::string& local) = 0;

  bool is_main() const { return rank() == 0; }
};

/// A world of one process.
std::shared_ptr<Communicator> make_single_process();

}  // namespace gannet
