// How often images should be seen when classes that are rare or badly found count more (RB 3.10).
#pragma once

#include <vector>

#include "gannet/data/index/image_index.h"

namespace gannet {

/// One over the number of labels of each class (over 1 for a class without any), scaled to sum 1.
std::vector<double> inverse_class_frequencies(const ImageIndex& index, int num_classes);

/// For each image the sum over classes of (inverse frequency) * (1 - average precision)^2 * (labels
/// of the class in the image). Labels of classes that have no average precision count nothing.
/// @param class_precision mAP of each class in [0, 1]; as many as there are classes
std::vector<double> image_weights(const ImageIndex& index,
                                  const std::vector<double>& class_precision);

}  // namespace gannet
