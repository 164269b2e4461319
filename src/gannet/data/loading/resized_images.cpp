#include "gannet/data/loading/resized_images.h"

#include <fmt/format.h>

#include <utility>

#include "gannet/data/images/image_io.h"
#include "gannet/data/images/resize.h"

namespace gannet {
namespace {

std::shared_ptr<const ImageCache> open_cache(const ImageIndex& index,
                                             const ResizeSettings& settings,
                                             const ImageCacheOptions& options) {
  CachedImages images;
  for (const IndexedImage& entry : index.images) images.paths.push_back(entry.path);
  images.sizes = resized_sizes(index, settings.image_size);
  images.settings = fmt::format("longer side {}, augment {}, reduced decode {}",
                                settings.image_size, settings.augment, settings.reduced_decode);
  return ImageCache::open(images, options);
}

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
    const auto load = [&] { return read(request, entry, original); };
    Sample sample;
    sample.image = cache_ ? cache_->get(index, load) : load();
    sample.labels = entry.labels;
    sample.polygons = entry.polygons;
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
  /// @param original size of the whole picture; corrected where all of it is read
  cv::Mat read(const SampleRequest& request, const IndexedImage& entry, cv::Size& original) const {
    const int side = settings_.image_size;
    if (!settings_.reduced_decode) {
      const cv::Mat image = decode_image(entry.path);
      original = image.size();
      return resize_to_side(image, original, side, settings_.augment);
    }
    if (request.visible && request.visible->empty()) {
      return cv::Mat(scaled_size(original, side), CV_8UC3);
    }
    const cv::Mat image =
        decode_image_reduced(entry.path, original, side, visible_part(request, original));
    return resize_to_side(image, original, side, settings_.augment);
  }

  /// In shares of width and height.
  cv::Rect2d visible_part(const SampleRequest& request, cv::Size original) const {
    if (!request.visible) return {0, 0, 1, 1};
    const cv::Rect& visible = *request.visible;
    const cv::Size2d size = scaled_size(original, settings_.image_size);
    return {visible.x / size.width, visible.y / size.height, visible.width / size.width,
            visible.height / size.height};
  }

  std::shared_ptr<const ImageIndex> index_;
  ResizeSettings settings_;
  std::shared_ptr<const ImageCache> cache_;  // none: decoded each time
};

}  // namespace

std::shared_ptr<const Dataset> make_resized_images(std::shared_ptr<const ImageIndex> index,
                                                   const ResizeSettings& settings,
                                                   const ImageCacheOptions& cache) {
  return std::make_shared<ResizedImages>(std::move(index), settings, cache);
}

std::vector<cv::Size> resized_sizes(const ImageIndex& index, int image_size) {
  std::vector<cv::Size> sizes;
  for (const IndexedImage& image : index.images) {
    sizes.push_back(scaled_size({image.width, image.height}, image_size));
  }
  return sizes;
}

std::uint64_t resized_bytes(const ImageIndex& index, int image_size) {
  constexpr std::uint64_t kChannels = 3;
  std::uint64_t bytes = 0;
  for (const cv::Size& size : resized_sizes(index, image_size))
    bytes += kChannels * static_cast<std::uint64_t>(size.area());
  return bytes;
}

}  // namespace gannet
