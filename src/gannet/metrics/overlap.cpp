#include "gannet/metrics/overlap.h"

#include <algorithm>

namespace gannet {

float iou_of_v7(const Box& label, const Box& detection) {
  constexpr float kEpsilon = 1e-7f;
  const float w =
      std::max(std::min(label.x2, detection.x2) - std::max(label.x1, detection.x1), 0.f);
  const float h =
      std::max(std::min(label.y2, detection.y2) - std::max(label.y1, detection.y1), 0.f);
  const float inter = w * h;
  return inter / (label.area() + detection.area() - inter + kEpsilon);
}

}  // namespace gannet
