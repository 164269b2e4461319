#include "gannet/data/index/image_weights.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace gannet {

std::vector<double> inverse_class_frequencies(const ImageIndex& index, int num_classes) {
  std::vector<double> weights(static_cast<std::size_t>(num_classes), 0.0);
  for (const IndexedImage& image : index.images) {
    for (const Label& label : image.labels) {
      const auto id = static_cast<std::size_t>(label.class_id);
      if (id < weights.size()) ++weights[id];
    }
  }
  for (double& weight : weights) weight = 1 / std::max(weight, 1.0);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  return weights;
}

std::vector<double> image_weights(const ImageIndex& index,
                                  const std::vector<double>& class_precision) {
  std::vector<double> class_weights =
      inverse_class_frequencies(index, static_cast<int>(class_precision.size()));
  for (std::size_t id = 0; id < class_weights.size(); ++id) {
    const double miss = 1 - class_precision[id];
    class_weights[id] *= miss * miss;
  }
  std::vector<double> weights;
  weights.reserve(index.images.size());
  for (const IndexedImage& image : index.images) {
    double weight = 0;
    for (const Label& label : image.labels) {
      const auto id = static_cast<std::size_t>(label.class_id);
      if (id < class_weights.size()) weight += class_weights[id];
    }
    weights.push_back(weight);
  }
  return weights;
}

}  // namespace gannet
