// Procedural textures for the demo data set's pictures.
#pragma once

#include <opencv2/core.hpp>

#include "gannet/core/rng.h"

namespace gannet {

/// Smooth random field in about [0, 1], single precision; `cells` coarse cells across the width.
cv::Mat fractal_noise(const cv::Size& size, int cells, Rng& rng);

/// Vertical gradient between two colours.
void fill_gradient(cv::Mat image, const cv::Scalar& top, const cv::Scalar& bottom);

/// Darkens and lightens by the field: factors from 1 - amount/2 to 1 + amount/2.
void multiply_by(cv::Mat image, const cv::Mat& field, double amount);

/// Fades to `colour` where the field is above `threshold`, over a range of `softness`.
void blend_where(cv::Mat image, const cv::Mat& field, double threshold, double softness,
                 const cv::Scalar& colour);

/// Adds grain of about this standard deviation, independent per byte.
void add_noise(cv::Mat& image, double deviation, Rng& rng);

}  // namespace gannet
