#include "gannet/viz/worst_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "gannet/viz/text.h"

namespace gannet {
namespace {

constexpr int kMargin = 20, kGap = 20, kHead = 56, kCaption = 34;
const cv::Scalar kInk(50, 42, 38);
const cv::Scalar kFound(80, 160, 40), kMissed(50, 40, 225), kFalse(200, 40, 200);

cv::Rect fitted(const cv::Size& image, const cv::Rect& field) {
  const double scale = std::min(static_cast<double>(field.width) / image.width,
                                static_cast<double>(field.height) / image.height);
  const cv::Size size(std::max(1, static_cast<int>(image.width * scale)),
                      std::max(1, static_cast<int>(image.height * scale)));
  return {field.tl() + cv::Point(field.width - size.width, field.height - size.height) / 2, size};
}

/// Found ones first, so that what is wrong lies on top.
std::vector<CaptionedBox> boxes_of(const JudgedImage& image, const cv::Size& drawn) {
  std::vector<CaptionedBox> boxes;
  const float sx = static_cast<float>(drawn.width) / static_cast<float>(image.bgr.cols);
  const float sy = static_cast<float>(drawn.height) / static_cast<float>(image.bgr.rows);
  const auto add = [&](const std::vector<JudgedBox>& judged, const cv::Scalar& colour,
                       bool dashed) {
    for (const auto& [box, caption] : judged) {
      boxes.push_back(
          {{box.x1 * sx, box.y1 * sy, box.x2 * sx, box.y2 * sy}, 0, caption, colour, dashed});
    }
  };
  add(image.found, kFound, false);
  add(image.false_detections, kFalse, false);
  add(image.missed, kMissed, true);
  return boxes;
}

void draw_tile(cv::Mat& canvas, const cv::Rect& field, const JudgedImage& image) {
  canvas(field).setTo(cv::Scalar(238, 235, 233));
  if (!image.bgr.empty()) {
    const cv::Rect place = fitted(image.bgr.size(), field);
    cv::Mat resized;
    cv::resize(image.bgr, resized, place.size(), 0, 0,
               place.width < image.bgr.cols ? cv::INTER_AREA : cv::INTER_LINEAR);
    draw_boxes(resized, boxes_of(image, resized.size()));
    resized.copyTo(canvas(place));
  }
  const std::string verdict =
      fmt::format(": {} missed, {} false", image.missed.size(), image.false_detections.size());
  const TextStyle style{10, kInk};
  const int base = field.br().y + 21;
  const std::string name =
      fit_text(image.name, style, field.width - text_width(verdict, style), TextCut::kMiddle);
  draw_text(canvas, name + verdict, {field.x, base}, style);
}

void draw_legend_line(cv::Mat& canvas) {
  struct Entry {
    const char* name;
    cv::Scalar colour;
    bool dashed;
  };
  const std::array<Entry, 3> entries = {
      {{"found", kFound, false}, {"missed", kMissed, true}, {"false", kFalse, false}}};
  const TextStyle style{12, kInk};
  int x = kMargin;
  for (const Entry& entry : entries) {
    cv::Mat swatch = canvas(cv::Rect(x, 22, 30, 18) & cv::Rect(0, 0, canvas.cols, canvas.rows));
    draw_boxes(swatch, {{{1, 1, 28, 16}, 0, {}, entry.colour, entry.dashed}});
    draw_text(canvas, entry.name, {x + 40, 37}, style);
    x += 40 + text_width(entry.name, style) + 30;
  }
}

}  // namespace

cv::Mat worst_images_mosaic(const std::vector<JudgedImage>& images,
                            const WorstImagesOptions& options) {
  if (images.empty()) return {};
  const int count = static_cast<int>(images.size());
  const int columns = std::clamp(options.columns, 1, count), rows = (count + columns - 1) / columns;
  const int step_x = options.tile_px + kGap, step_y = options.tile_px + kCaption;
  cv::Mat canvas(kHead + rows * step_y + kMargin / 2, 2 * kMargin + columns * step_x - kGap,
                 CV_8UC3, cv::Scalar(255, 255, 255));
  draw_legend_line(canvas);
  for (int i = 0; i < count; ++i) {
    const cv::Rect field(kMargin + i % columns * step_x, kHead + i / columns * step_y,
                         options.tile_px, options.tile_px);
    draw_tile(canvas, field, images[static_cast<std::size_t>(i)]);
  }
  return canvas;
}

}  // namespace gannet
