#include "gannet/data/pixel_label.h"

namespace gannet {

std::vector<PixelLabel> to_pixels(const std::vector<Label>& labels, const PixelFrame& frame) {
  std::vector<PixelLabel> result;
  result.reserve(labels.size());
  for (const Label& label : labels) {
    const double half_width = label.width / 2.0, half_height = label.height / 2.0;
    result.push_back({label.class_id,
                      {static_cast<float>(frame.width * (label.cx - half_width) + frame.x),
                       static_cast<float>(frame.height * (label.cy - half_height) + frame.y),
                       static_cast<float>(frame.width * (label.cx + half_width) + frame.x),
                       static_cast<float>(frame.height * (label.cy + half_height) + frame.y)}});
  }
  return result;
}

std::vector<Label> to_labels(const std::vector<PixelLabel>& labels, int width, int height) {
  std::vector<Label> result;
  result.reserve(labels.size());
  for (const PixelLabel& label : labels) {
    const Box& box = label.box_px;
    result.push_back({label.class_id, static_cast<float>((double{box.x1} + box.x2) / 2 / width),
                      static_cast<float>((double{box.y1} + box.y2) / 2 / height),
                      static_cast<float>((double{box.x2} - box.x1) / width),
                      static_cast<float>((double{box.y2} - box.y1) / height)});
  }
  return result;
}

}  // namespace gannet
