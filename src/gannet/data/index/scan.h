// Reads every image's size and labels for an index, from several threads, skipping what a cached
// scan already knows.
#pragma once

#include <string>
#include <vector>

#include "gannet/data/index/image_index.h"
#include "gannet/data/index/label_cache.h"

namespace gannet {

/// Throws Error (kData) when there are no images or the annotations cannot be used at all; what is
/// wrong with one image is in its entry.
LabelScan scan_images(const std::vector<std::string>& sources, const IndexOptions& options);

}  // namespace gannet
