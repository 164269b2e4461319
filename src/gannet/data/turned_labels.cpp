#include "gannet/data/turned_labels.h"

#include <tuple>
#include <utility>

#include "gannet/data/image_header.h"

namespace gannet {
namespace {

/// EXIF 2.3, tag Orientation: which corner of the stored picture is the upper left of the upright.
std::pair<float, float> turn_point(float x, float y, std::uint32_t orientation) {
  switch (orientation) {
    case 5:
      return {y, x};
    case 6:
      return {1 - y, x};
    case 7:
      return {1 - y, 1 - x};
    default:
      return {y, 1 - x};
  }
}

void turn_box(Label& label, std::uint32_t orientation) {
  std::tie(label.cx, label.cy) = turn_point(label.cx, label.cy, orientation);
  std::swap(label.width, label.height);
}

}  // namespace

std::uint32_t turn_from(int said_width, int said_height, int width, int height,
                        const std::string& image) {
  if (said_width != height || said_height != width || width == height) return 1;
  const auto header = read_image_header(image);
  return header && header->is_turned() ? header->orientation : 1;
}

void turn_labels(ParsedLabels& parsed, std::uint32_t orientation) {
  if (orientation < 5 || orientation > 8) return;
  for (Label& label : parsed.labels) turn_box(label, orientation);
  for (Label& label : parsed.crowd) turn_box(label, orientation);
  for (Polygon& polygon : parsed.polygons) {
    for (auto& [x, y] : polygon) std::tie(x, y) = turn_point(x, y, orientation);
  }
}

}  // namespace gannet
