// The stock head and the targets of the behaviour reference, appendix B.
#pragma once

#include <torch/types.h>

#include <vector>

#include "gannet/core/head_spec.h"

namespace gannet::testing {

/// yolov5s: levels P5, P4, P3 in this order.
inline HeadSpec stock_head() {
  HeadSpec head;
  head.num_classes = 80;
  head.strides = {32, 16, 8};
  head.anchors_px = {{{116, 90}, {156, 198}, {373, 326}},
                     {{30, 61}, {62, 45}, {59, 119}},
                     {{10, 13}, {16, 30}, {33, 23}}};
  return head;
}

/// One level whose only anchor covers one cell.
inline HeadSpec one_anchor_head(int num_classes) {
  HeadSpec head;
  head.num_classes = num_classes;
  head.strides = {32};
  head.anchors_px = {{{32, 32}}};
  return head;
}

/// B.4: one target in each of two images.
inline torch::Tensor stock_targets() {
  return torch::tensor({{0.0, 5.0, .53, .30, .25, .40}, {1.0, 2.0, .51, .76, .05, .06}},
                       torch::kFloat32);
}

/// Raw outputs of zeros for images of 128 px.
inline std::vector<torch::Tensor> zero_outputs(const HeadSpec& head, std::int64_t images,
                                               double size_px = 128) {
  std::vector<torch::Tensor> raw;
  for (const double stride : head.strides) {
    const auto cells = static_cast<std::int64_t>(size_px / stride);
    raw.push_back(
        torch::zeros({images, head.anchors_per_level(), cells, cells, head.values_per_anchor()}));
  }
  return raw;
}

}  // namespace gannet::testing
