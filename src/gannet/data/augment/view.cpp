#include "gannet/data/augment/view.h"

#include <algorithm>
#include <array>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "gannet/data/augment/copy_paste.h"
#include "gannet/data/augment/mosaic.h"
#include "gannet/data/augment/mosaic9.h"
#include "gannet/data/images/letterbox.h"

namespace gannet {
namespace {

/// For one of the images that the requested picture is made of.
SampleRequest source_request(SampleRequest request, std::int64_t index) {
  request.index = index;
  return request;
}

}  // namespace

Rng rng_for(const SampleRequest& request, Purpose purpose) {
  // Copies of an image in one epoch, and variants of it, count beyond the number of any image.
  constexpr int kCopyShift = 40, kVariantShift = 56;
  const std::uint64_t index = static_cast<std::uint64_t>(request.index) ^
                              (request.copy << kCopyShift) ^ (request.variant << kVariantShift);
  return Rng({request.seed, request.epoch, index, purpose});
}

cv::Rect visible_area(const PlaneMatrix& matrix, cv::Size output, cv::Size canvas) {
  constexpr double kMargin_px = 3;
  const cv::Rect whole({0, 0}, canvas);
  bool invertible = false;
  const cv::Matx33d back = cv::Matx33d(matrix.data()).inv(cv::DECOMP_LU, &invertible);
  if (!invertible) return whole;
  constexpr double kFar = std::numeric_limits<double>::infinity();
  double left = kFar, top = kFar, right = -kFar, bottom = -kFar;
  for (const double x : {0.0, output.width - 1.0}) {
    for (const double y : {0.0, output.height - 1.0}) {
      const cv::Vec3d from = back * cv::Vec3d(x, y, 1);
      if (from[2] <= 0) return whole;
      left = std::min(left, from[0] / from[2]);
      right = std::max(right, from[0] / from[2]);
      top = std::min(top, from[1] / from[2]);
      bottom = std::max(bottom, from[1] / from[2]);
    }
  }
  const auto pixel = [](double position, int limit) {
    return static_cast<int>(std::clamp(position, 0.0, static_cast<double>(limit)));
  };
  const cv::Point begin(pixel(left - kMargin_px, canvas.width),
                        pixel(top - kMargin_px, canvas.height));
  const cv::Point end(pixel(right + kMargin_px + 1, canvas.width),
                      pixel(bottom + kMargin_px + 1, canvas.height));
  return {begin, end};
}

ViewSource::ViewSource(std::shared_ptr<const Dataset> images, std::vector<cv::Size> sizes,
                       int image_size, const AugmentOptions& options)
    : images_(std::move(images)),
      sizes_(std::move(sizes)),
      image_size_(image_size),
      options_(options) {
  if (options.copy_paste > 0) sizes_.clear();  // copies may come from what is not visible
}

View ViewSource::mosaic(const SampleRequest& request) const {
  const cv::Size canvas(2 * image_size_, 2 * image_size_);
  const LabelWarp warp = draw_warp(request, canvas, {-image_size_ / 2, -image_size_ / 2});
  const bool nine =
      options_.mosaic9 > 0 && rng_for(request, Purpose::kMosaicChoice).uniform() < options_.mosaic9;
  View view = nine ? mosaic9(request, warp) : mosaic4(request, warp);
  if (options_.copy_paste > 0) {
    Rng rng = rng_for(request, Purpose::kCopyPaste);
    copy_paste(view.scene, options_.copy_paste, rng);
  }
  return view;
}

View ViewSource::mosaic4(const SampleRequest& request, const LabelWarp& warp) const {
  Rng rng = rng_for(request, Purpose::kMosaic);
  const MosaicDraws draws = draw_mosaic(image_size_, size(), rng);
  const std::array<std::int64_t, 4> indices = {request.index, draws.others[0], draws.others[1],
                                               draws.others[2]};
  const cv::Size canvas(2 * image_size_, 2 * image_size_);
  const cv::Rect visible = visible_area(warp.matrix, warp.output, canvas);
  std::array<Sample, 4> tiles;
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    SampleRequest part = source_request(request, indices[i]);
    if (!sizes_.empty()) {
      const MosaicPlacement place = place_tile(
          static_cast<int>(i), sizes_.at(static_cast<std::size_t>(indices[i])), draws, image_size_);
      part.visible = (place.canvas & visible) - place.offset();
    }
    tiles[i] = images_->get(part);
  }
  View view{compose_mosaic(tiles, draws, image_size_), warp, std::move(tiles[0].path)};
  view.mosaic = true;
  return view;
}

View ViewSource::mosaic9(const SampleRequest& request, const LabelWarp& warp) const {
  Rng rng = rng_for(request, Purpose::kMosaic9);
  const Mosaic9Draws draws = draw_mosaic9(image_size_, size(), rng);
  std::array<Sample, 9> tiles;
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    tiles[i] = images_->get(source_request(request, i == 0 ? request.index : draws.others[i - 1]));
  }
  View view{compose_mosaic9(tiles, draws, image_size_), warp, std::move(tiles[0].path)};
  view.mosaic = true;
  return view;
}

View ViewSource::letterboxed(const SampleRequest& request) const {
  Sample sample = images_->get(source_request(request, request.index));
  const LetterboxGeometry geometry =
      letterbox_geometry(sample.image.size(), {.height = request.height, .width = request.width});
  const PixelFrame frame{geometry.gain * sample.image.cols, geometry.gain * sample.image.rows,
                         geometry.pad_w, geometry.pad_h};
  View view{Scene{Canvas(geometry.outer), to_pixels(sample.labels, frame, sample.polygons)},
            draw_warp(request, geometry.outer, {}), std::move(sample.path), sample.letterbox};
  cv::Mat inner = sample.image;
  if (inner.size() != geometry.inner) {
    cv::resize(sample.image, inner, geometry.inner, 0, 0, cv::INTER_LINEAR);
  }
  view.scene.canvas.add(inner, {geometry.left, geometry.top});
  view.letterbox.gain_h *= geometry.gain;
  view.letterbox.gain_w *= geometry.gain;
  view.letterbox.pad_w = geometry.pad_w;
  view.letterbox.pad_h = geometry.pad_h;
  return view;
}

LabelWarp ViewSource::draw_warp(const SampleRequest& request, cv::Size canvas,
                                AffineBorder border) const {
  Rng rng = rng_for(request, Purpose::kAffine);
  const AffineDraws draws =
      draw_affine({options_.degrees, options_.translate, options_.scale, options_.shear}, rng);
  Rng tilt_rng = rng_for(request, Purpose::kPerspective);
  const PerspectiveDraws tilt = draw_perspective(options_.perspective, tilt_rng);
  LabelWarp warp;
  warp.output = canvas + cv::Size(2 * border.x, 2 * border.y);
  if (options_.release7_geometry) {
    warp.matrix = release7_matrix(draws, tilt, canvas, warp.output);
    warp.scale = draws.scale * draws.scale;
    warp.least_area_left = 0.1;
    warp.max_aspect = 100;
  } else {
    warp.matrix = plane_matrix(affine_matrix(draws, canvas, border), tilt, canvas);
    warp.scale = draws.scale;
  }
  // Where boxes stay boxes, an outline says nothing more: the same with labels of either kind.
  warp.follow_outlines = options_.degrees != 0 || options_.shear != 0 ||
                         options_.perspective != 0 || options_.copy_paste > 0;
  return warp;
}

}  // namespace gannet
