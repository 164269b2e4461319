#include "gannet/core/box.h"

#include <algorithm>

namespace gannet {

float iou(const Box& a, const Box& b) {
  const float w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const float h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  if (w <= 0 || h <= 0) return 0;
  const float inter = w * h;
  const float total = a.area() + b.area() - inter;
  return total > 0 ? inter / total : 0;
}

Box clip(const Box& box, float width, float height) {
  return {std::clamp(box.x1, 0.0f, width), std::clamp(box.y1, 0.0f, height),
          std::clamp(box.x2, 0.0f, width), std::clamp(box.y2, 0.0f, height)};
}

Box to_original(const Box& box, const LetterboxRecord& record) {
  const auto gain = static_cast<float>(record.gain_h);
  const auto pad_w = static_cast<float>(record.pad_w);
  const auto pad_h = static_cast<float>(record.pad_h);
  const Box moved{(box.x1 - pad_w) / gain, (box.y1 - pad_h) / gain, (box.x2 - pad_w) / gain,
                  (box.y2 - pad_h) / gain};
  return clip(moved, static_cast<float>(record.original_width),
              static_cast<float>(record.original_height));
}

}  // namespace gannet
