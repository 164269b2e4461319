// Batch norm that can take its statistics over all ranks (SyncBN), on any device and backend.
#pragma once

#include <torch/nn/modules/batchnorm.h>

#include <memory>

#include "gannet/dist/communicator.h"

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

  /// @param x (B, C, H, W); of a single value per channel the running statistics are used, and kept
  torch::Tensor forward(const torch::Tensor& x);
  /// Null: each rank for itself.
  void synchronise(std::shared_ptr<const NormSync> sync) { sync_ = std::move(sync); }

 private:
  torch::Tensor forward_running(const torch::Tensor& x) const;
  torch::Tensor forward_synchronised(const torch::Tensor& x);

  std::shared_ptr<const NormSync> sync_;
};
TORCH_MODULE(Norm);

/// Whether a batch (B, C, H, W) has a single value per channel: no variance can be taken of it.
bool has_single_values(const torch::Tensor& x);

}  // namespace gannet
