// The colours of all pictures: one fixed, distinct colour per class.
#pragma once

#include <opencv2/core.hpp>

namespace gannet {

/// Colour of a class, BGR; the same in every picture. Repeats after 20 classes.
cv::Scalar class_colour(int class_id);

/// Black or white, whichever reads better on this BGR colour.
cv::Scalar text_colour_on(const cv::Scalar& background);

}  // namespace gannet
