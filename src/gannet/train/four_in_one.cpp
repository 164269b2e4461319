#include <torch/types.h>

#include <vector>

#include "gannet/train/step.h"

namespace gannet {

Inputs four_in_one(const Inputs& inputs, Rng& rng) {
  const std::int64_t groups = inputs.images.size(0) / 4;
  const auto enlarged = [](const torch::Tensor& image) {
    return torch::upsample_bilinear2d(image.unsqueeze(0), {2 * image.size(1), 2 * image.size(2)},
                                      false);
  };
  std::vector<torch::Tensor> images, targets;
  // Targets of an image as those of the picture under construction, moved by cells of a half.
  const auto add_targets = [&](std::int64_t image, bool is_quarter, double right, double below) {
    auto rows = inputs.targets_N6.index({inputs.targets_N6.select(1, 0) == image}).clone();
    rows.select(1, 0).fill_(static_cast<double>(images.size()) - 1);
    if (is_quarter) {
      rows.select(1, 2).add_(right);
      rows.select(1, 3).add_(below);
      rows.slice(1, 2).div_(2);
    }
    targets.push_back(rows);
  };
  for (std::int64_t g = 0; g < groups; ++g) {
    const auto four = inputs.images.slice(0, 4 * g, 4 * g + 4);
    if (rng.uniform() < 0.5) {
      images.push_back(enlarged(four[0]));
      add_targets(4 * g, false, 0, 0);
      continue;
    }
    images.push_back(
        torch::cat({torch::cat({four[0], four[1]}, 1), torch::cat({four[2], four[3]}, 1)}, 2)
            .unsqueeze(0));
    for (std::int64_t i = 0; i < 4; ++i)
      add_targets(4 * g + i, true, static_cast<double>(i / 2), static_cast<double>(i % 2));
  }
  for (std::int64_t i = 4 * groups; i < inputs.images.size(0); ++i) {
    images.push_back(enlarged(inputs.images[i]));
    add_targets(i, false, 0, 0);
  }
  return {torch::cat(images).contiguous(inputs.images.suggest_memory_format()),
          torch::cat(targets)};
}

}  // namespace gannet
