// The first resize of every image: its longer side becomes the image size (RB 3.5).
#pragma once

#include <opencv2/core.hpp>

namespace gannet {

/// Size after scaling the longer side to `image_size`; the other side is truncated, at least 1.
cv::Size scaled_size(cv::Size original, int image_size);

/// Scales `image` to scaled_size(original). Shrinking for evaluation averages areas; augmentation
/// and enlarging interpolate linearly. Returns `image` itself, not a copy, when it has that size
/// already.
/// @param original size of the whole picture, of which `image` may be a reduced decoding
cv::Mat resize_to_side(const cv::Mat& image, cv::Size original, int image_size, bool augment);

}  // namespace gannet
