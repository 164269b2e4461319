// The data sets that training and evaluation use, assembled from decorators.
#pragma once

#include <memory>

#include "gannet/data/dataset.h"
#include "gannet/data/image_cache.h"
#include "gannet/data/image_index.h"

namespace gannet {

/// Ranges of the training augmentation (hyperparameters of RB 1.2).
struct AugmentOptions {
  double hsv_h = 0.014, hsv_s = 0.68, hsv_v = 0.36;
  double degrees = 0, translate = 0, scale = 0.5, shear = 0;
  double flip_left_right = 0.5;
  bool mosaic = true;  // off for rectangular training
  bool reduced_decode =
      true;  // decode JPEGs smaller where enough pixels stay; off: as the original
};

/// Mosaic (or letterbox), affine, colour, flip.
std::shared_ptr<const Dataset> make_training_dataset(
    std::shared_ptr<const ImageIndex> index, int image_size, const AugmentOptions& options,
    const ImageCacheOptions& cache = kNoImageCache);

/// Resize and letterbox only.
std::shared_ptr<const Dataset> make_evaluation_dataset(
    std::shared_ptr<const ImageIndex> index, int image_size,
    const ImageCacheOptions& cache = kNoImageCache);

}  // namespace gannet
