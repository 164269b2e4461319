// Training samples: a view of one or more images, perhaps mixed with another, its colours changed,
// perhaps flipped; every pixel of the result is computed once, row by row.
#pragma once

#include <memory>
#include <vector>

#include "gannet/data/augment/augment_options.h"
#include "gannet/data/sample/sample.h"

namespace gannet {

/// @param images  with the longer side of `image_size`; their pixels are never written to
/// @param sizes   theirs, if only the visible part of each is to be asked for; else empty
std::shared_ptr<const Dataset> make_augmented_samples(std::shared_ptr<const Dataset> images,
                                                      std::vector<cv::Size> sizes, int image_size,
                                                      const AugmentOptions& options);

}  // namespace gannet
