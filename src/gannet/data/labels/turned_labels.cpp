#include "gannet/data/labels/turned_labels.h"

#include <tuple>
#include <utility>

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

std::uint32_t turn_from(int said_width, int said_height, const ImageShape& image) {
  const bool swapped = said_width == image.height && said_height == image.width;
  const bool is_turned = image.orientation >= 5 && image.orientation <= 8;
  return swapped && image.width != image.height && is_turned ? image.orientation : 1;
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
