// The rules of a data set's check: from a survey to findings.
#pragma once

#include <vector>

#include "gannet/curate/check/findings.h"
#include "gannet/curate/check/survey.h"

namespace gannet {

/// Images that training takes: readable, of at least 10 x 10 pixels, known to the annotation file.
bool is_usable(const SurveyedImage& image);

/// Rows that training can use: read, of a known class; boxes without area among them, as in
/// training.
bool is_trained_on(const LabelRow& row, int num_classes);

/// Unreadable and small images and label files, missing and stray label files, and every row:
/// malformed, class, coordinates, no area, repeated, over the edge, tiny, extreme shape.
/// @param img_size longer side of the images in training, px
std::vector<Finding> find_in_images(const DatasetSurvey& survey, int img_size);

/// The same picture, byte for byte, in several splits or again in one.
std::vector<Finding> find_copies(const DatasetSurvey& survey);

/// Splits without images or labels; classes of train without an example, or with few.
std::vector<Finding> find_in_classes(const DatasetSurvey& survey);

}  // namespace gannet
