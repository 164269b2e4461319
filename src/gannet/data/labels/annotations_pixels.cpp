#include "gannet/data/labels/annotations_pixels.h"

#include <algorithm>
#include <cmath>

namespace gannet {
namespace {

constexpr int kMaxDecimals = 15;

double round_to(double value, double scale) {
  return std::round(value * scale) / scale + 0.0;
}  // no -0

bool is_valid(const AxisSpan& span) {
  return span.centre >= 0 && span.centre <= 1 && span.size >= 0 && span.size <= 1;
}

PixelEnds ends_of(const PixelRun& run) { return {run.start, run.start + run.length}; }
PixelEnds ends_of(const PixelEnds& ends) { return ends; }

PixelEnds clip(const PixelEnds& ends, int side_px) {
  const double side = side_px;
  return {std::clamp(ends.first, 0.0, side), std::clamp(ends.last, 0.0, side)};
}

template <class Pixels>
PlacedLabel place(int class_id, const Pixels& x, const Pixels& y, int width_px, int height_px) {
  AxisSpan across = to_span(x, width_px), down = to_span(y, height_px);
  const bool inside = is_valid(across) && is_valid(down);
  if (!inside) {
    const PixelEnds clipped_x = clip(ends_of(x), width_px), clipped_y = clip(ends_of(y), height_px);
    if (clipped_x.last <= clipped_x.first || clipped_y.last <= clipped_y.first) return {};
    across = to_span(clipped_x, width_px);
    down = to_span(clipped_y, height_px);
  }
  return {Label{class_id, across.centre, down.centre, across.size, down.size}, !inside};
}

}  // namespace

AxisSpan to_span(const PixelRun& run, int side_px) {
  return {static_cast<float>((run.start + run.length / 2) / side_px),
          static_cast<float>(run.length / side_px)};
}

AxisSpan to_span(const PixelEnds& ends, int side_px) {
  return {static_cast<float>((ends.first + ends.last) / 2 / side_px),
          static_cast<float>((ends.last - ends.first) / side_px)};
}

PixelRun to_run(const AxisSpan& span, int side_px) {
  const double length = static_cast<double>(span.size) * side_px;
  const double start = static_cast<double>(span.centre) * side_px - length / 2;
  double scale = 1;
  for (int decimals = 0; decimals <= kMaxDecimals; ++decimals, scale *= 10) {
    const PixelRun rounded{round_to(start, scale), round_to(length, scale)};
    if (to_span(rounded, side_px) == span) return rounded;
  }
  return {start, length};
}

PixelEnds to_ends(const AxisSpan& span, int side_px) {
  const double half = static_cast<double>(span.size) / 2;
  const double first = (static_cast<double>(span.centre) - half) * side_px;
  const double last = (static_cast<double>(span.centre) + half) * side_px;
  double scale = 1;
  for (int decimals = 0; decimals <= kMaxDecimals; ++decimals, scale *= 10) {
    const PixelEnds rounded{round_to(first, scale), round_to(last, scale)};
    if (to_span(rounded, side_px) == span) return rounded;
  }
  return {first, last};
}

double to_pixel(float value, int side_px) {
  const double exact = static_cast<double>(value) * side_px;
  double scale = 1;
  for (int decimals = 0; decimals <= kMaxDecimals; ++decimals, scale *= 10) {
    const double rounded = round_to(exact, scale);
    if (static_cast<float>(rounded / side_px) == value) return rounded;
  }
  return exact;
}

PlacedLabel place_label(int class_id, const PixelEnds& x, const PixelEnds& y, int width_px,
                        int height_px) {
  return place(class_id, x, y, width_px, height_px);
}

PlacedLabel place_label(int class_id, const PixelRun& x, const PixelRun& y, int width_px,
                        int height_px) {
  return place(class_id, x, y, width_px, height_px);
}

}  // namespace gannet
