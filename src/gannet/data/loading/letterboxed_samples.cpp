#include "gannet/data/loading/letterboxed_samples.h"

#include <utility>

#include "gannet/data/images/letterbox.h"
#include "gannet/data/sample/pixel_label.h"

namespace gannet {
namespace {

// Does not write into the image that it got: it may lie in a cache.
class LetterboxedSamples : public Dataset {
 public:
  explicit LetterboxedSamples(std::shared_ptr<const Dataset> inner) : inner_(std::move(inner)) {}

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
  std::shared_ptr<const Dataset> inner_;
};

}  // namespace

std::shared_ptr<const Dataset> make_letterboxed_samples(std::shared_ptr<const Dataset> inner) {
  return std::make_shared<LetterboxedSamples>(std::move(inner));
}

}  // namespace gannet
