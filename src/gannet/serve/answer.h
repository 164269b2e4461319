// What a request for detections is answered with.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/serve/answer_filter.h"

namespace gannet {

/// JSON: "image", "detections" and "ms" of one picture; of several, "images", a list of the first
/// two, and "ms".
/// @param found of each picture
/// @param filter what it does not show is left out
std::string detections_json(const std::vector<cv::Size>& sizes,
                            const std::vector<std::vector<Detection>>& found,
                            const AnswerFilter& filter, double milliseconds);

/// {"error": what}
std::string error_json(const std::string& what);

}  // namespace gannet
