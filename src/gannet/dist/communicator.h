// The one class through which all collectives go (design rule b). All ranks make the same named
// calls in the same order. A world of one is a communicator like any other: its sums are
// identities.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gannet {

/// Sums gradients over all ranks during the backward pass, while it goes on.
class GradientReducer {
 public:
  virtual ~GradientReducer() = default;
  /// The backward pass of an update's last micro-batch. One without the reducer only accumulates on
  /// its own rank.
  virtual void backward(const torch::Tensor& loss) = 0;
  /// In place of a backward pass that this rank has no memory for, or after one that ran out of it:
  /// the gradients become NaN on the other ranks. @return false where all of them had gone out, and
  /// the others believe in them
  virtual bool give_up() = 0;
  /// Seconds that backward passes waited for other ranks after their own work was done.
  virtual double exposed_seconds() const = 0;
};

/// What gradients travel as: themselves, or rounded to half their bytes. fp16 keeps more digits,
/// bf16 the range.
enum class GradientCompression { kNone, kBf16, kFp16 };

class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int world_size() const = 0;
  /// Position among the ranks of this machine.
  virtual int local_rank() const { return 0; }

  /// Sum over all ranks; the same value on each. `name` identifies the call in errors and logs.
  virtual torch::Tensor sum(const std::string& name, const torch::Tensor& local) = 0;
  /// The bytes of every rank, in rank order.
  virtual std::vector<std::string> gather(const std::string& name, const std::string& local) = 0;
  /// Rank 0's bytes on every rank.
  virtual std::string broadcast(const std::string& name, const std::string& local) = 0;

  /// Gradients of these parameters are summed from now on; null in a world of one.
  virtual std::unique_ptr<GradientReducer> reduce_gradients(std::vector<torch::Tensor> parameters,
                                                            GradientCompression compression) {
    (void)parameters, (void)compression;
    return nullptr;
  }

  /// Runs `work` on one rank of each machine before it runs on the others, which then find its
  /// results (a cache file, say). They wait as long as that rank is alive.
  virtual void one_first(const std::string& name, const std::function<void()>& work) {
    (void)name;
    work();
  }

  /// Tells the others why this rank ends, so that they end too and can say so.
  virtual void abandon(const std::string& why) noexcept { (void)why; }

  bool is_main() const { return rank() == 0; }
};

/// A world of one process.
std::shared_ptr<Communicator> make_single_process();

}  // namespace gannet
