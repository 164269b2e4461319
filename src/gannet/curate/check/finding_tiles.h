// Images of a data set with what a check found in them, for its one-page picture.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "gannet/curate/check/dataset_check.h"

namespace gannet {

/// An image of the survey and the findings about it.
struct ImageFindings {
  int split = 0, image = 0;
  std::vector<const Finding*> findings;
};

/// Images with the gravest findings first: problems with boxes, other problems, notes; at most
/// `max`.
std::vector<ImageFindings> worst_images(const DatasetCheck& check, std::size_t max);

/// Red for problems, amber for notes; BGR.
cv::Scalar severity_colour(Severity severity);

/// Draws image, boxes in question and two lines of caption into `area`. An image that cannot be
/// read shows as a grey field that says so.
void draw_finding_tile(cv::Mat& canvas, const cv::Rect& area, const DatasetCheck& check,
                       const ImageFindings& subject);

}  // namespace gannet
