// The order of an epoch: one permutation of the whole set, cut into global batches (design rule a).
#pragma once

#include <cstdint>
#include <vector>

namespace gannet {

/// One global batch: which images, and the pixel shape that they share.
struct BatchPlan {
  std::int64_t number = 0;
  std::vector<std::int64_t> indices;
  int height = 0, width = 0;
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

/// Same batches, in an order shuffled for this epoch (batches stay together, RB Q23).
std::vector<BatchPlan> shuffle_batches(std::vector<BatchPlan> plans, std::uint64_t seed,
                                       std::uint64_t epoch);

}  // namespace gannet
