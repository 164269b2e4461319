// Samples in the shape that a request names: what evaluation uses.
#pragma once

#include <memory>

#include "gannet/data/sample/sample.h"

namespace gannet {

/// Fits the samples of `inner`, which are not enlarged, into the middle of the requested shape.
std::shared_ptr<const Dataset> make_letterboxed_samples(std::shared_ptr<const Dataset> inner);

}  // namespace gannet
