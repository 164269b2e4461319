// Fits an image into a shape without distorting it: scaled, centred, grey around (RB 3.6).
#pragma once

#include <opencv2/core.hpp>

namespace gannet {

struct LetterboxOptions {
  int height = 640, width = 640;
  bool minimal = false;  // pad only to the next multiple ("auto"), not to the whole shape
  int multiple = 64;     // of `minimal`; a larger stride of the model needs more
  bool scale_up = true;  // enlarge images that are smaller than the shape
};

/// Where an image comes to lie. Pads may end in .5: then one side gets the odd pixel.
struct LetterboxGeometry {
  double gain = 1;
  cv::Size inner;               // of the scaled image
  double pad_w = 0, pad_h = 0;  // half of the padding, px
  int left = 0, top = 0;        // the image's corner, whole pixels
  cv::Size outer;
};

LetterboxGeometry letterbox_geometry(cv::Size image, const LetterboxOptions& options);

/// Scales (linear) and pads with grey 114. Returns `image` itself when there is nothing to do.
cv::Mat letterbox(const cv::Mat& image, const LetterboxGeometry& geometry);

}  // namespace gannet
