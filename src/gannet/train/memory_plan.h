// How much memory a run takes, and which batch fits into what there is: arithmetic on what
// run_memory.h measures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gannet {

/// No larger batch is chosen by itself: from here on an update has as many images in any case, and
/// larger batches are hardly faster.
inline constexpr std::int64_t kLargestAutoBatch = 64;

/// What a step of so many images was seen to take. Fractions stand for smaller images.
struct StepMemory {
  double images = 0, bytes = 0;
};

/// Bytes that a process of a run takes at its peak, by what for.
struct MemoryNeed {
  double program = 0;            // code, libraries, what they keep
  double weights = 0;            // copies of them beside those of a step
  double pictures = 0;           // image cache, loader threads
  double step = 0;               // a step without images
  double per_image = 0;          // of a step
  double per_image_waiting = 0;  // on the way from the loader, for each image of a batch

  double step_of(double images) const { return step + per_image * images; }
  double pictures_of(double images) const { return pictures + per_image_waiting * images; }
  double at(double images) const {
    return program + weights + pictures_of(images) + step_of(images);
  }
};

/// Sets what a step takes, and an image of it: by the line through the last two of what was seen,
/// or in proportion to the only one.
void fit_steps(const std::vector<StepMemory>& seen, MemoryNeed& need);

/// What a rank takes without images and for each of its images, and the most that it may take.
struct RankMemory {
  double fixed = 0, per_image = 0, limit = 0;
};

/// A batch, and why it is no larger.
struct BatchChoice {
  int batch = 0;  // over all ranks, a multiple of their number; 0: not even one image each fits
  std::string reason;
};

/// The largest batch that fits on every rank, beyond neither kLargestAutoBatch nor the training
/// set.
BatchChoice choose_batch(const std::vector<RankMemory>& ranks, std::int64_t train_images);

}  // namespace gannet
