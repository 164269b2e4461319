// The deterministic way to compute a step: the global batch is cut into a fixed number of shards,
// each computed alone by one thread, and their gradients are added in shard order. So the bits do
// not depend on how many processes and threads there are.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "gannet/data/loading/sampler.h"
#include "gannet/dist/communicator.h"
#include "gannet/loss/detection_loss.h"
#include "gannet/nn/model.h"
#include "gannet/ops/placement.h"

namespace gannet {

inline constexpr int kNumShards = 4;

/// First image of each shard in a batch of `images`, and the end: kNumShards + 1 entries. The first
/// shards have one image more where the number does not divide; some may be empty.
std::vector<std::int64_t> shard_bounds(std::int64_t images);

/// Shards that a rank owns: a run of them, as [first, end).
struct ShardRange {
  int first = 0, end = 0;
};
ShardRange shards_of_rank(int rank, int world_size);

/// A rank's part of a global batch: the images of its shards.
BatchPlan share_of_shards(const BatchPlan& plan, int rank, int world_size);

/// What a loss is multiplied with before it is differentiated (fp16), and as it is told; NaN only
/// to try what follows from that.
struct LossFactors {
  double backward = 1, told = 1;
};

class ShardedStep {
 public:
  /// @param num_threads shards that are computed side by side; never changes results
  ShardedStep(DetectionModel& model, const DetectionLoss& loss, const Placement& placement,
              Communicator& comm, int num_threads);

  /// Cuts this rank's images into its shards for the next run.
  /// @param images (B, 3, H, W) of this rank's shards together   @param targets_N6 with image < B
  /// @param global_images of the whole batch
  /// @return what the shards count for the loss
  LossCounts cut(const torch::Tensor& images, const torch::Tensor& targets_N6,
                 std::int64_t global_images);

  /// Forward and backward of the shards that were cut; gradients stay with their shard.
  /// @param counts over all ranks   @param trace of the first shard's forward pass; may be empty
  /// @return box, objectness, class and their sum over the global batch, the same on every rank
  std::array<double, 4> run(const LossCounts& counts, const LossFactors& factors,
                            const LayerTrace& trace = {});

  /// The model's gradients become the sums over all shards since the last call, its running
  /// statistics their means.
  void combine();
  /// The shards' statistics become the model's, which somebody has set.
  void take_statistics();

 private:
  /// A copy of the model that shares its parameters' memory, with gradients and statistics of its
  /// own.
  struct Replica {
    std::shared_ptr<DetectionModel> model;
    std::vector<torch::Tensor> parameters, buffers;
  };
  /// One shard of the step under way.
  struct Work {
    Replica* replica = nullptr;
    torch::Tensor images, targets_N6;
    torch::Tensor items;  // (4) float64
  };

  Replica make_replica() const;
  void compute(Work& work, const LossCounts& counts, const LossFactors& factors,
               const LayerTrace& trace) const;
  torch::Tensor flatten(const Replica& replica) const;

  DetectionModel& model_;
  const DetectionLoss& loss_;
  Placement placement_;
  Communicator& comm_;
  int num_threads_;
  ShardRange own_;
  std::vector<torch::Tensor> parameters_, buffers_;  // of the model: trained ones, floating ones
  std::vector<Replica> replicas_;                    // one for each own shard
  std::vector<Work> works_;                          // the same
};

}  // namespace gannet
