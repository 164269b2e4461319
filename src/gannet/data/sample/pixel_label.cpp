#include "gannet/data/sample/pixel_label.h"

#include <algorithm>

#include "gannet/core/error.h"

namespace gannet {

std::vector<PixelLabel> to_pixels(const std::vector<Label>& labels, const PixelFrame& frame,
                                  const std::vector<Polygon>& polygons) {
  GANNET_CHECK(polygons.empty() || polygons.size() == labels.size(), "an outline for each label");
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
  for (std::size_t i = 0; i < polygons.size(); ++i) {
    for (const auto& [x, y] : polygons[i]) {
      result[i].outline_px.push_back({static_cast<float>(frame.width * x + frame.x),
                                      static_cast<float>(frame.height * y + frame.y)});
    }
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

std::vector<Polygon> to_polygons(const std::vector<PixelLabel>& labels, int width, int height) {
  const auto has_outline = [](const PixelLabel& label) { return !label.outline_px.empty(); };
  if (std::none_of(labels.begin(), labels.end(), has_outline)) return {};
  std::vector<Polygon> result(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (const auto& [x, y] : labels[i].outline_px) {
      result[i].push_back({x / static_cast<float>(width), y / static_cast<float>(height)});
    }
  }
  return result;
}

PixelLabel clip(PixelLabel label, int width, int height) {
  const auto right = static_cast<float>(width), bottom = static_cast<float>(height);
  label.box_px = clip(label.box_px, right, bottom);
  for (auto& [x, y] : label.outline_px) {
    x = std::clamp(x, 0.0F, right);
    y = std::clamp(y, 0.0F, bottom);
  }
  return label;
}

}  // namespace gannet
