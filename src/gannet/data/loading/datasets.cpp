#include "gannet/data/loading/datasets.h"

#include <opencv2/core.hpp>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/data/augment/augmented_samples.h"
#include "gannet/data/labels/label_path.h"
#include "gannet/data/loading/letterboxed_samples.h"
#include "gannet/data/loading/resized_images.h"

namespace gannet {
std::shared_ptr<const Dataset> make_training_dataset(std::shared_ptr<const ImageIndex> index,
                                                     int image_size, const AugmentOptions& options,
                                                     const ImageCacheOptions& cache) {
  if (index->num_labels() == 0) {
    throw Error(ErrorKind::kData, "no image has labels: nothing to learn from",
                {index->images.empty() ? "" : label_path(index->images.front().path), 0, {}},
                "labels are expected in such files");
  }
  // A cache keeps whole pictures.
  const bool visible_only = options.reduced_decode && cache.kind == ImageCacheKind::kNone;
  auto sizes = visible_only ? resized_sizes(*index, image_size) : std::vector<cv::Size>();
  auto images = make_resized_images(
      std::move(index),
      {.image_size = image_size, .augment = true, .reduced_decode = options.reduced_decode}, cache);
  return make_augmented_samples(std::move(images), std::move(sizes), image_size, options);
}

std::shared_ptr<const Dataset> make_evaluation_dataset(std::shared_ptr<const ImageIndex> index,
                                                       int image_size,
                                                       const ImageCacheOptions& cache) {
  return make_letterboxed_samples(
      make_resized_images(std::move(index), {.image_size = image_size}, cache));
}

}  // namespace gannet
