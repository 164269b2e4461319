#include "gannet/data/resized_images.h"

#include <utility>

#include "gannet/data/image_io.h"
#include "gannet/data/resize.h"

namespace gannet {
namespace {

class ResizedImages : public Dataset {
 public:
  ResizedImages(std::shared_ptr<const ImageIndex> index, const ResizeSettings& settings)
      : index_(std::move(index)), settings_(settings) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(index_->images.size()); }

  Sample get(const SampleRequest& request) const override {
    const IndexedImage& entry = index_->images.at(static_cast<std::size_t>(request.index));
    cv::Size original(entry.width, entry.height);
    Sample sample;
    sample.image = read(request, entry, original);
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
};

}  // namespace

std::shared_ptr<const Dataset> make_resized_images(std::shared_ptr<const ImageIndex> index,
                                                   const ResizeSettings& settings) {
  return std::make_shared<ResizedImages>(std::move(index), settings);
}

std::vector<cv::Size> resized_sizes(const ImageIndex& index, int image_size) {
  std::vector<cv::Size> sizes;
  for (const IndexedImage& image : index.images) {
    sizes.push_back(scaled_size({image.width, image.height}, image_size));
  }
  return sizes;
}

}  // namespace gannet
