// A scene and how it is looked at: what one training picture is made of, before any pixel is
// computed. Knowing the warp first tells which parts of the tiles need to be decoded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gannet/core/rng.h"
#include "gannet/data/augment/affine.h"
#include "gannet/data/augment/augment_options.h"
#include "gannet/data/augment/canvas.h"
#include "gannet/data/sample/sample.h"

namespace gannet {

/// The stream of random numbers of a sample for one purpose.
Rng rng_for(const SampleRequest& request, Purpose purpose);

struct View {
  Scene scene;
  LabelWarp warp;  // matrix and output size
  std::string path;
  LetterboxRecord letterbox = {};
  bool mosaic = false;
};

class ViewSource {
 public:
  /// @param images  with the longer side of `image_size`
  /// @param sizes   theirs, if only the visible part of them is to be asked for; else empty
  ViewSource(std::shared_ptr<const Dataset> images, std::vector<cv::Size> sizes, int image_size,
             const AugmentOptions& options);

  std::int64_t size() const { return images_->size(); }
  /// The image with three or eight others, cropped from twice the image size.
  View mosaic(const SampleRequest& request) const;
  /// The image alone in the shape that the request names.
  View letterboxed(const SampleRequest& request) const;

 private:
  View mosaic4(const SampleRequest& request, const LabelWarp& warp) const;
  View mosaic9(const SampleRequest& request, const LabelWarp& warp) const;
  LabelWarp draw_warp(const SampleRequest& request, cv::Size canvas, AffineBorder border) const;

  std::shared_ptr<const Dataset> images_;
  std::vector<cv::Size> sizes_;
  int image_size_;
  AugmentOptions options_;
};

/// The part of a canvas that a warp looks at, with a margin for interpolation; all of it where the
/// warp has no simple inverse.
cv::Rect visible_area(const PlaneMatrix& matrix, cv::Size output, cv::Size canvas);

}  // namespace gannet
