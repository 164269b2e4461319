// Backgrounds, things in the way and the light of the demo data set's pictures.
#pragma once

#include <opencv2/core.hpp>

#include "gannet/core/rng.h"

namespace gannet {

/// A countryside road, a brick wall, woods or a town at dusk, with things that are no signs.
/// Fills the 8-bit BGR image.
void paint_demo_background(cv::Mat& scene, Rng& rng);

/// A pole from `top` down to the lower edge. `mask` becomes 255 where it is.
void paint_pole(cv::Mat& scene, cv::Mat& mask, const cv::Point& top, int width, Rng& rng);

/// A twig with leaves around `centre` that hides about `radius` pixels. Adds to the mask.
void paint_leaves(cv::Mat& scene, cv::Mat& mask, const cv::Point& centre, int radius, Rng& rng);

/// Light, colour cast, vignette, blur and noise of a camera.
void apply_camera(cv::Mat& image, Rng& rng);

}  // namespace gannet
