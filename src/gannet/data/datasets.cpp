#include "gannet/data/datasets.h"

#include <fmt/format.h>

#include <array>
#include <opencv2/core.hpp>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/rng.h"
#include "gannet/data/affine.h"
#include "gannet/data/colour.h"
#include "gannet/data/image_cache.h"
#include "gannet/data/image_io.h"
#include "gannet/data/letterbox.h"
#include "gannet/data/mosaic.h"
#include "gannet/data/pixel_label.h"
#include "gannet/data/resize.h"

namespace gannet {
namespace {

// No decorator writes into the image that it got: it may lie in a cache.

using Inner = std::shared_ptr<const Dataset>;

/// Copies of an image in one epoch count beyond the number of any image.
constexpr int kCopyShift = 40;

Rng rng_for(const SampleRequest& request, Purpose purpose) {
  const auto index = static_cast<std::uint64_t>(request.index) + (request.copy << kCopyShift);
  return Rng({request.seed, request.epoch, index, purpose});
}

PixelFrame whole(const cv::Mat& image) { return {double(image.cols), double(image.rows), 0, 0}; }

struct ResizeSettings {
  int image_size = 640;
  bool augment = false;
  bool reduced_decode = false;
};

std::shared_ptr<const ImageCache> open_cache(const ImageIndex& index,
                                             const ResizeSettings& settings,
                                             const ImageCacheOptions& options) {
  CachedImages images;
  for (const IndexedImage& entry : index.images) {
    images.paths.push_back(entry.path);
    images.sizes.push_back(scaled_size({entry.width, entry.height}, settings.image_size));
  }
  images.settings = fmt::format("longer side {}, augment {}, reduced decode {}",
                                settings.image_size, settings.augment, settings.reduced_decode);
  return ImageCache::open(images, options);
}

/// The images of an index with the longer side scaled to the image size.
class ResizedImages : public Dataset {
 public:
  ResizedImages(std::shared_ptr<const ImageIndex> index, const ResizeSettings& settings,
                const ImageCacheOptions& cache)
      : index_(std::move(index)),
        settings_(settings),
        cache_(open_cache(*index_, settings_, cache)) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(index_->images.size()); }

  Sample get(const SampleRequest& request) const override {
    const auto index = static_cast<std::size_t>(request.index);
    const IndexedImage& entry = index_->images.at(index);
    cv::Size original(entry.width, entry.height);
    const auto load = [&] { return load_resized(entry, original); };
    Sample sample;
    sample.image = cache_ ? cache_->get(index, load) : load();
    sample.labels = entry.labels;
    sample.path = entry.path;
    sample.letterbox = {original.height,
                        original.width,
                        static_cast<double>(sample.image.rows) / original.height,
                        static_cast<double>(sample.image.cols) / original.width,
                        0,
                        0};
    return sample;
  }

 private:
  /// @param original set to the size that the image has now
  cv::Mat load_resized(const IndexedImage& entry, cv::Size& original) const {
    cv::Mat image;
    if (settings_.reduced_decode) {
      image = decode_image_reduced(entry.path, original, settings_.image_size);
    } else {
      image = decode_image(entry.path);
      original = image.size();
    }
    return resize_to_side(image, original, settings_.image_size, settings_.augment);
  }

  std::shared_ptr<const ImageIndex> index_;
  ResizeSettings settings_;
  std::shared_ptr<const ImageCache> cache_;  // none: decoded each time
};

/// Fits samples into the shape that the request names.
class LetterboxedSamples : public Dataset {
 public:
  LetterboxedSamples(Inner inner, bool scale_up) : inner_(std::move(inner)), scale_up_(scale_up) {}

  std::int64_t size() const override { return inner_->size(); }

  Sample get(const SampleRequest& request) const override {
    Sample sample = inner_->get(request);
    const LetterboxGeometry geometry =
        letterbox_geometry(sample.image.size(), {.height = request.height,
                                                 .width = request.width,
                                                 .minimal = false,
                                                 .scale_up = scale_up_});
    const PixelFrame frame{geometry.gain * sample.image.cols, geometry.gain * sample.image.rows,
                           geometry.pad_w, geometry.pad_h};
    sample.labels =
        to_labels(to_pixels(sample.labels, frame), geometry.outer.width, geometry.outer.height);
    sample.image = letterbox(sample.image, geometry);
    sample.letterbox.gain_h *= geometry.gain;
    sample.letterbox.gain_w *= geometry.gain;
    sample.letterbox.pad_w = geometry.pad_w;
    sample.letterbox.pad_h = geometry.pad_h;
    return sample;
  }

 private:
  Inner inner_;
  bool scale_up_;
};

/// Each sample with three others on a canvas of twice the image size.
class MosaicSamples : public Dataset {
 public:
  MosaicSamples(Inner inner, int image_size) : inner_(std::move(inner)), image_size_(image_size) {}

  std::int64_t size() const override { return inner_->size(); }

  Sample get(const SampleRequest& request) const override {
    Rng rng = rng_for(request, Purpose::kMosaic);
    const MosaicDraws draws = draw_mosaic(image_size_, size(), rng);
    std::array<Sample, 4> tiles;
    tiles[0] = inner_->get(request);
    for (std::size_t i = 0; i < draws.others.size(); ++i) {
      SampleRequest other = request;
      other.index = draws.others[i];
      tiles[i + 1] = inner_->get(other);
    }
    MosaicCanvas canvas = compose_mosaic(tiles, draws, image_size_);
    Sample sample;
    sample.labels = to_labels(canvas.labels, canvas.image.cols, canvas.image.rows);
    sample.image = std::move(canvas.image);
    sample.path = std::move(tiles[0].path);
    sample.mosaic = true;
    return sample;
  }

 private:
  Inner inner_;
  int image_size_;
};

class AffineSamples : public Dataset {
 public:
  AffineSamples(Inner inner, const AffineRanges& ranges, AffineBorder border)
      : inner_(std::move(inner)), ranges_(ranges), border_(border) {}

  std::int64_t size() const override { return inner_->size(); }

  Sample get(const SampleRequest& request) const override {
    Sample sample = inner_->get(request);
    Rng rng = rng_for(request, Purpose::kAffine);
    const AffineDraws draws = draw_affine(ranges_, rng);
    const AffineMatrix matrix = affine_matrix(draws, sample.image.size(), border_);
    const auto labels = to_pixels(sample.labels, whole(sample.image));
    sample.image = warp_image(sample.image, matrix, border_);
    const cv::Size output = sample.image.size();
    sample.labels =
        to_labels(warp_labels(labels, matrix, output, draws.scale), output.width, output.height);
    return sample;
  }

 private:
  Inner inner_;
  AffineRanges ranges_;
  AffineBorder border_;
};

class ColourSamples : public Dataset {
 public:
  ColourSamples(Inner inner, const ColourRanges& ranges)
      : inner_(std::move(inner)), ranges_(ranges) {}

  std::int64_t size() const override { return inner_->size(); }

  Sample get(const SampleRequest& request) const override {
    Sample sample = inner_->get(request);
    Rng rng = rng_for(request, Purpose::kColour);
    sample.image = jitter_colour(sample.image, draw_colour(ranges_, rng));
    return sample;
  }

 private:
  Inner inner_;
  ColourRanges ranges_;
};

/// Mirrors samples left to right with a probability.
class FlippedSamples : public Dataset {
 public:
  FlippedSamples(Inner inner, double probability)
      : inner_(std::move(inner)), probability_(probability) {}

  std::int64_t size() const override { return inner_->size(); }

  Sample get(const SampleRequest& request) const override {
    Sample sample = inner_->get(request);
    if (rng_for(request, Purpose::kFlip).uniform() >= probability_) return sample;
    cv::Mat flipped;
    cv::flip(sample.image, flipped, 1);
    sample.image = std::move(flipped);
    for (Label& label : sample.labels) label.cx = 1 - label.cx;
    return sample;
  }

 private:
  Inner inner_;
  double probability_;
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
  Inner data = std::make_shared<ResizedImages>(
      std::move(index), ResizeSettings{image_size, true, options.reduced_decode}, cache);
  AffineBorder border;
  if (options.mosaic) {
    data = std::make_shared<MosaicSamples>(data, image_size);
    border = {-image_size / 2, -image_size / 2};
  } else {
    data = std::make_shared<LetterboxedSamples>(data, true);
  }
  const AffineRanges ranges{options.degrees, options.translate, options.scale, options.shear};
  data = std::make_shared<AffineSamples>(data, ranges, border);
  // Without jitter the way to hue and back would only coarsen the colours.
  const ColourRanges colours{options.hsv_h, options.hsv_s, options.hsv_v};
  if (colours.any()) data = std::make_shared<ColourSamples>(data, colours);
  if (options.flip_left_right > 0) {
    data = std::make_shared<FlippedSamples>(data, options.flip_left_right);
  }
  return data;
}

std::shared_ptr<const Dataset> make_evaluation_dataset(std::shared_ptr<const ImageIndex> index,
                                                       int image_size,
                                                       const ImageCacheOptions& cache) {
  Inner data = std::make_shared<ResizedImages>(std::move(index),
                                               ResizeSettings{image_size, false, false}, cache);
  return std::make_shared<LetterboxedSamples>(data, false);
}

}  // namespace gannet
