#include "gannet/data/datasets.h"

#include <opencv2/core.hpp>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/data/augmented_samples.h"
#include "gannet/data/letterbox.h"
#include "gannet/data/pixel_label.h"
#include "gannet/data/resized_images.h"

namespace gannet {
namespace {

// No decorator writes into the image that it got: it may lie in a cache.

using Inner = std::shared_ptr<const Dataset>;

/// Fits samples into the shape that the request names.
class LetterboxedSamples : public Dataset {
 public:
  explicit LetterboxedSamples(Inner inner) : inner_(std::move(inner)) {}

  std::int64_t size() const override { return inner_->size(); }

  Sample get(const SampleRequest& request) const override {
    Sample sample = inner_->get(request);
    const LetterboxGeometry geometry = letterbox_geometry(
        sample.image.size(),
        {.height = request.height, .width = request.width, .minimal = false, .scale_up = false});
    const PixelFrame frame{geometry.gain * sample.image.cols, geometry.gain * sample.image.rows,
                           geometry.pad_w, geometry.pad_h};
    const auto labels = to_pixels(sample.labels, frame, sample.polygons);
    sample.labels = to_labels(labels, geometry.outer.width, geometry.outer.height);
    sample.polygons = to_polygons(labels, geometry.outer.width, geometry.outer.height);
    sample.image = letterbox(sample.image, geometry);
    sample.letterbox.gain_h *= geometry.gain;
    sample.letterbox.gain_w *= geometry.gain;
    sample.letterbox.pad_w = geometry.pad_w;
    sample.letterbox.pad_h = geometry.pad_h;
    return sample;
  }

 private:
  Inner inner_;
};

}  // namespace

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
  Inner images = make_resized_images(
      std::move(index),
      {.image_size = image_size, .augment = true, .reduced_decode = options.reduced_decode}, cache);
  return make_augmented_samples(std::move(images), std::move(sizes), image_size, options);
}

std::shared_ptr<const Dataset> make_evaluation_dataset(std::shared_ptr<const ImageIndex> index,
                                                       int image_size,
                                                       const ImageCacheOptions& cache) {
  return std::make_shared<LetterboxedSamples>(
      make_resized_images(std::move(index), {.image_size = image_size}, cache));
}

}  // namespace gannet
