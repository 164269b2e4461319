// Batch norm in training with the activation after it, and the shortcut added to that: one
// operation of autograd for CPUs, in as few passes over memory as the statistics allow, that keeps
// nothing but its input.
#pragma once

#include <torch/types.h>

#include <vector>

#include "gannet/ops/activations.h"

namespace gannet {

struct NormSync;

/// What a batch is normalised with, by channel.
struct BatchStatistics {
  std::vector<double> mean, variance;  // biased
  double count = 0;                    // values of a channel
};

struct NormActOptions {
  double eps = 0;
  Activation activation = Activation::kNone;
  const NormSync* sync = nullptr;  // null: the statistics are those of this batch alone
};

/// Whether the functions below take x: a float32 or bfloat16 feature map on the CPU whose channels
/// lie side by side.
bool can_norm_act(const torch::Tensor& x);

/// Of this batch, or with `sync` of all ranks' batches together. Sums in float64 round to the same
/// float32 however the values are dealt to ranks; sums in float32 do not, and deep networks amplify
/// their difference to percents of a gradient.
/// @param x (B, C, H, W)
BatchStatistics batch_statistics(const torch::Tensor& x, const NormSync* sync);

/// act((x - mean) / sqrt(variance + eps) * weight + bias) + residual. Its gradients count that the
/// statistics follow from x.
/// @param x (B, C, H, W)   @param weight, bias (C) float32   @param residual like x, or undefined
torch::Tensor norm_act(const torch::Tensor& x, const torch::Tensor& weight,
                       const torch::Tensor& bias, const torch::Tensor& residual,
                       const BatchStatistics& statistics, const NormActOptions& options);

}  // namespace gannet
