#include "gannet/data/augment/augmented_samples.h"

#include <opencv2/imgproc.hpp>
#include <optional>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/data/augment/colour.h"
#include "gannet/data/augment/mixup.h"
#include "gannet/data/augment/view.h"
#include "gannet/data/augment/warp.h"

namespace gannet {
namespace {

struct Flips {
  bool left_right = false, up_down = false;
};

/// A second view that shows through.
struct Overlay {
  View view;
  double share = 0;  // of the first view
};

void flip(Sample& sample, const Flips& flips) {
  for (Label& label : sample.labels) {
    if (flips.left_right) label.cx = 1 - label.cx;
    if (flips.up_down) label.cy = 1 - label.cy;
  }
  for (Polygon& polygon : sample.polygons) {
    for (auto& [x, y] : polygon) {
      if (flips.left_right) x = 1 - x;
      if (flips.up_down) y = 1 - y;
    }
  }
}

class AugmentedSamples : public Dataset {
 public:
  AugmentedSamples(ViewSource views, const AugmentOptions& options)
      : views_(std::move(views)), options_(options) {}

  std::int64_t size() const override { return views_.size(); }

  Sample get(const SampleRequest& request) const override { return make(request, nullptr); }
  Sample get_into(const SampleRequest& request, std::uint8_t* rgb) const override {
    return make(request, rgb);
  }

 private:
  /// @param rgb where the picture goes; null: into Sample::image, as BGR
  Sample make(const SampleRequest& request, std::uint8_t* rgb) const {
    View view = wants_mosaic(request) ? views_.mosaic(request) : views_.letterboxed(request);
    std::optional<Overlay> overlay;
    if (view.mosaic && options_.mixup > 0) overlay = draw_overlay(request);
    const Flips flips = draw_flips(request);
    const cv::Size size = view.warp.output;
    GANNET_CHECK(rgb == nullptr || size == cv::Size(request.width, request.height),
                 "sample and batch differ in shape");
    Sample sample;
    if (rgb == nullptr) sample.image.create(size, CV_8UC3);
    cv::Mat target = rgb == nullptr ? sample.image : cv::Mat(size, CV_8UC3, rgb);
    render(request, view, overlay, flips, target, rgb != nullptr);
    std::vector<PixelLabel> labels = warp_labels(view.scene.labels, view.warp);
    if (overlay) {
      for (PixelLabel& label : warp_labels(overlay->view.scene.labels, overlay->view.warp)) {
        labels.push_back(std::move(label));
      }
    }
    sample.labels = to_labels(labels, size.width, size.height);
    sample.polygons = to_polygons(labels, size.width, size.height);
    flip(sample, flips);
    sample.path = std::move(view.path);
    sample.letterbox = view.letterbox;
    sample.mosaic = view.mosaic;
    return sample;
  }

  bool wants_mosaic(const SampleRequest& request) const {
    if (!options_.mosaic || static_cast<std::int64_t>(request.epoch) >= options_.mosaic_epochs) {
      return false;
    }
    if (options_.mosaic_probability >= 1) return true;
    Rng rng = rng_for(request, Purpose::kMosaicChoice);
    rng.uniform();  // the first number chooses between four and nine
    return rng.uniform() < options_.mosaic_probability;
  }

  std::optional<Overlay> draw_overlay(const SampleRequest& request) const {
    Rng rng = rng_for(request, Purpose::kMixUp);
    const MixUpDraws draws = draw_mixup(options_.mixup, size(), rng);
    if (!draws.mixes) return std::nullopt;
    SampleRequest partner = request;
    partner.index = draws.partner;
    partner.variant = 1;
    return Overlay{views_.mosaic(partner), draws.share};
  }

  Flips draw_flips(const SampleRequest& request) const {
    const auto happens = [&](Purpose purpose, double probability) {
      return probability > 0 && rng_for(request, purpose).uniform() < probability;
    };
    return {happens(Purpose::kFlip, options_.flip_left_right),
            happens(Purpose::kFlipUpDown, options_.flip_up_down)};
  }

  /// Warps, mixes, colours and flips one row after the other.
  /// @param swap RGB instead of BGR
  void render(const SampleRequest& request, const View& view, const std::optional<Overlay>& overlay,
              const Flips& flips, cv::Mat& target, bool swap) const {
    const cv::Size size = target.size();
    const WarpOptions warp{.width = size.width, .mirror = flips.left_right};
    const auto rows = warp_rows(view.scene.canvas, view.warp.matrix, warp);
    std::unique_ptr<WarpedRows> other_rows;
    std::vector<std::uint8_t> other;
    if (overlay) {
      other_rows = warp_rows(overlay->view.scene.canvas, overlay->view.warp.matrix, warp);
      other.resize(3 * static_cast<std::size_t>(size.width));
    }
    const std::optional<ColourJitter> jitter = draw_jitter(request);
    for (int y = 0; y < size.height; ++y) {
      std::uint8_t* row = target.ptr(flips.up_down ? size.height - 1 - y : y);
      rows->read(y, row);
      if (overlay) {
        other_rows->read(y, other.data());
        mix_bytes(row, other.data(), 3 * size.width, overlay->share);
      }
      if (jitter) {
        jitter->apply(row, size.width, swap);
      } else if (swap) {
        cv::Mat pixels(1, size.width, CV_8UC3, row);
        cv::cvtColor(pixels, pixels, cv::COLOR_BGR2RGB);
      }
    }
  }

  std::optional<ColourJitter> draw_jitter(const SampleRequest& request) const {
    const ColourRanges ranges{options_.hsv_h, options_.hsv_s, options_.hsv_v};
    // Without jitter the way to hue and back would only coarsen the colours.
    if (!ranges.any()) return std::nullopt;
    Rng rng = rng_for(request, Purpose::kColour);
    return ColourJitter(draw_colour(ranges, rng));
  }

  ViewSource views_;
  AugmentOptions options_;
};

}  // namespace

std::shared_ptr<const Dataset> make_augmented_samples(std::shared_ptr<const Dataset> images,
                                                      std::vector<cv::Size> sizes, int image_size,
                                                      const AugmentOptions& options) {
  return std::make_shared<AugmentedSamples>(
      ViewSource(std::move(images), std::move(sizes), image_size, options), options);
}

}  // namespace gannet
