// The innermost data set: pictures from files, at the image size.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gannet/data/cache/image_cache.h"
#include "gannet/data/index/image_index.h"
#include "gannet/data/sample/sample.h"

namespace gannet {

struct ResizeSettings {
  int image_size = 640;
  bool augment = false;         // how to shrink, see resize_to_side
  bool reduced_decode = false;  // decode JPEGs smaller, and only what is visible
};

/// The images of an index with the longer side scaled to the image size.
std::shared_ptr<const Dataset> make_resized_images(std::shared_ptr<const ImageIndex> index,
                                                   const ResizeSettings& settings,
                                                   const ImageCacheOptions& cache = kNoImageCache);

/// The sizes that they will have.
std::vector<cv::Size> resized_sizes(const ImageIndex& index, int image_size);
/// Bytes of all of them, what a cache takes.
std::uint64_t resized_bytes(const ImageIndex& index, int image_size);

}  // namespace gannet
