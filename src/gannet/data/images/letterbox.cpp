#include "gannet/data/images/letterbox.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "gannet/core/numeric.h"

namespace gannet {

namespace {
constexpr double kGrey = 114;

int rounded(double value) { return static_cast<int>(round_half_even(value)); }
}  // namespace

LetterboxGeometry letterbox_geometry(cv::Size image, const LetterboxOptions& options) {
  LetterboxGeometry geometry;
  geometry.gain = std::min(static_cast<double>(options.height) / image.height,
                           static_cast<double>(options.width) / image.width);
  if (!options.scale_up) geometry.gain = std::min(geometry.gain, 1.0);
  geometry.inner = {std::max(1, rounded(image.width * geometry.gain)),
                    std::max(1, rounded(image.height * geometry.gain))};
  int total_w = std::max(0, options.width - geometry.inner.width);
  int total_h = std::max(0, options.height - geometry.inner.height);
  if (options.minimal) {
    total_w %= options.multiple;
    total_h %= options.multiple;
  }
  geometry.pad_w = total_w / 2.0;
  geometry.pad_h = total_h / 2.0;
  geometry.left = rounded(geometry.pad_w - 0.1);
  geometry.top = rounded(geometry.pad_h - 0.1);
  geometry.outer = {geometry.inner.width + total_w, geometry.inner.height + total_h};
  return geometry;
}

cv::Mat letterbox(const cv::Mat& image, const LetterboxGeometry& geometry) {
  cv::Mat inner = image;
  if (image.size() != geometry.inner) {
    cv::resize(image, inner, geometry.inner, 0, 0, cv::INTER_LINEAR);
  }
  if (geometry.inner == geometry.outer) return inner;
  cv::Mat padded;
  cv::copyMakeBorder(inner, padded, geometry.top,
                     geometry.outer.height - geometry.inner.height - geometry.top, geometry.left,
                     geometry.outer.width - geometry.inner.width - geometry.left,
                     cv::BORDER_CONSTANT, cv::Scalar::all(kGrey));
  return padded;
}

}  // namespace gannet
