// Batch norm that can take its statistics over all ranks (SyncBN), on any device and backend.
#pragma once

#include <torch/nn/modules/batchnorm.h>

#include <memory>

#include "gannet/dist/communicator.h"
#include "gannet/ops/activations.h"

namespace gannet {

/// What the norms of a model share when they are synchronised.
struct NormSync {
  Communicator& comm;
  bool counts = true;  // off: this rank's batch stands in for an empty one and must not be counted
};

/// Module with the state of torch's batch norm. Synchronised, training takes mean and variance of
/// all ranks' batches together, whatever their sizes: one sum over ranks forward, one backward.
class NormImpl : public torch::nn::BatchNorm2dImpl {
 public:
  using torch::nn::BatchNorm2dImpl::BatchNorm2dImpl;

  /// @param x (B, C, H, W); of too few values per channel the running statistics are used, and kept
  /// @param residual (B, C, H, W) added after the activation; may be undefined
  torch::Tensor forward(const torch::Tensor& x, Activation activation = Activation::kNone,
                        const torch::Tensor& residual = {});
  /// Null: each rank for itself.
  void synchronise(std::shared_ptr<const NormSync> sync) { sync_ = std::move(sync); }
  /// How many values per channel it takes in training to normalise with their own statistics: 2,
  /// for one value has no variance. Of two or three that are nearly equal the gradients grow from
  /// layer to layer until they are not finite.
  void require_values(std::int64_t least) { least_values_ = least; }
  bool has_too_few_values(const torch::Tensor& x) const {
    return x.numel() / x.size(1) < least_values_;
  }

 private:
  torch::Tensor forward_running(const torch::Tensor& x) const;
  torch::Tensor forward_synchronised(const torch::Tensor& x);
  torch::Tensor forward_in_one(const torch::Tensor& x, Activation activation,
                               const torch::Tensor& residual);

  std::shared_ptr<const NormSync> sync_;
  std::int64_t least_values_ = 2;
};
TORCH_MODULE(Norm);

}  // namespace gannet
