// The data sets that training and evaluation use, assembled from decorators.
#pragma once

#include <memory>

#include "gannet/data/augment/augment_options.h"
#include "gannet/data/cache/image_cache.h"
#include "gannet/data/index/image_index.h"
#include "gannet/data/sample/sample.h"

namespace gannet {

/// Mosaic (or letterbox), affine, colour, flip.
std::shared_ptr<const Dataset> make_training_dataset(
    std::shared_ptr<const ImageIndex> index, int image_size, const AugmentOptions& options,
    const ImageCacheOptions& cache = kNoImageCache);

/// Resize and letterbox only.
std::shared_ptr<const Dataset> make_evaluation_dataset(
    std::shared_ptr<const ImageIndex> index, int image_size,
    const ImageCacheOptions& cache = kNoImageCache);

}  // namespace gannet
