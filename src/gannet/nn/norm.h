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

  /// @param x (B, C, H, W)
  torch::Tensor forward(const torch::Tensor& x);
  /// Null: each rank for itself.
  void synchronise(std::shared_ptr<const NormSync> sync) { sync_ = std::move(sync); }

 private:
  torch::Tensor forward_synchronised(const torch::Tensor& x);

  std::shared_ptr<const NormSync> sync_;
};
TORCH_MODULE(Norm);

}  // namespace gannet
