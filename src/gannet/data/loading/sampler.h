// The order of an epoch: one permutation of the whole set, cut into global batches (design rule a).
#pragma once

#include <cstdint>
#include <vector>

namespace gannet {

/// One global batch, or a rank's run of it: which images, and the pixel shape that they share.
struct BatchPlan {
  std::int64_t number = 0;  // in the epoch
  std::vector<std::int64_t> indices;
  /// How often each image came before in this epoch; empty: no image comes twice.
  std::vector<std::uint64_t> copies;
  int height = 0, width = 0;
  std::int64_t first_image = 0;    // position of indices[0] in the global batch
  std::int64_t global_images = 0;  // size of the global batch
};

struct SamplerOptions {
  std::int64_t num_images = 0;
  int batch_size = 16;  // global
  int image_size = 640;
  bool shuffle = true;
  std::uint64_t seed = 0;
};

/// Square batches of `image_size`; every image once, the last partial batch kept.
std::vector<BatchPlan> plan_epoch(const SamplerOptions& options, std::uint64_t epoch);

/// Rectangular batches (RB 3.4): images sorted by aspect ratio h/w (stable), each batch the
/// smallest shape for its images: ceil(shape * image_size / stride + pad) * stride.
/// @param aspect_ratios h/w of every image
std::vector<BatchPlan> plan_rectangular(const std::vector<double>& aspect_ratios, int batch_size,
                                        int image_size, int stride, double pad);

/// Lets the batch before it have the images of a last batch of fewer than `least`.
std::vector<BatchPlan> merge_small_batch(std::vector<BatchPlan> plans, std::size_t least);

/// Same batches, in an order shuffled for this epoch (batches stay together, RB Q23).
std::vector<BatchPlan> shuffle_batches(std::vector<BatchPlan> plans, std::uint64_t seed,
                                       std::uint64_t epoch);

/// As many draws as there are images, with replacement, an image with twice the weight twice as
/// often (RB 3.10). Weights that are all zero count as equal ones.
/// @param weights of all images, not negative
std::vector<BatchPlan> plan_weighted(const SamplerOptions& options,
                                     const std::vector<double>& weights, std::uint64_t epoch);

/// A rank's share of a global batch: a contiguous run; the first ranks take one image more where
/// they cannot take equally many, the last ones none if there are fewer images than ranks. The runs
/// of all ranks in order are the global batch.
BatchPlan deal(const BatchPlan& plan, int rank, int world_size);
/// The shares of a rank in every batch of an epoch.
std::vector<BatchPlan> deal(const std::vector<BatchPlan>& plans, int rank, int world_size);

}  // namespace gannet
