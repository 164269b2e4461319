// Boxes with captions; batches and files are in draw.cpp.
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "gannet/viz/draw.h"
#include "gannet/viz/palette.h"
#include "gannet/viz/placement.h"
#include "gannet/viz/text.h"

namespace gannet {
namespace {

/// How boxes look on an image of some size.
struct BoxStyle {
  int line = 2;
  TextStyle text;
  int pad() const { return std::max(2, static_cast<int>(std::lround(text.height_px * 0.45))); }
  int tag_height() const { return static_cast<int>(std::ceil(text.height_px)) + 2 * pad(); }
};

/// Width of lines as in release 7.0; the text follows it.
BoxStyle style_for(const cv::Mat& image, const DrawOptions& options) {
  const int by_size =
      std::max(2, static_cast<int>(std::lround(0.0015 * (image.rows + image.cols))));
  BoxStyle style;
  style.line = options.line_thickness > 0 ? options.line_thickness : by_size;
  style.text.height_px = std::clamp(2 + 3.5 * style.line, 7.0, std::max(7.0, image.rows / 8.0));
  return style;
}

int round_to_pixel(float value, int limit) {
  return static_cast<int>(std::lround(std::clamp(value, 0.0f, static_cast<float>(limit))));
}

/// First to last pixel that the edges run through.
cv::Rect pixels_of(const Box& box, const cv::Mat& image) {
  const cv::Point low(round_to_pixel(box.x1, image.cols - 1),
                      round_to_pixel(box.y1, image.rows - 1));
  const cv::Point high(round_to_pixel(box.x2, image.cols - 1),
                       round_to_pixel(box.y2, image.rows - 1));
  return {low.x, low.y, std::max(1, high.x - low.x), std::max(1, high.y - low.y)};
}

cv::Scalar colour_of(const CaptionedBox& box) {
  return box.colour.value_or(class_colour(box.class_id));
}

cv::Rect outer_edge(const cv::Rect& box, int line) {
  const int outset = line / 2;
  return {box.x - outset, box.y - outset, box.width + line, box.height + line};
}

/// Fills a bar, or every other piece of it; a piece is four times as long as the bar is thick.
void fill_bar(cv::Mat& bgr, const cv::Rect& bar, const cv::Scalar& colour, bool dashed) {
  const cv::Rect image(0, 0, bgr.cols, bgr.rows);
  const bool lies = bar.width > bar.height;
  const int length = std::max(bar.width, bar.height), thickness = std::min(bar.width, bar.height);
  const int piece = dashed ? 4 * thickness : length;
  for (int start = 0; start < length; start += 2 * piece) {
    const int end = std::min(start + piece, length);
    const cv::Rect part = lies ? cv::Rect(bar.x + start, bar.y, end - start, bar.height)
                               : cv::Rect(bar.x, bar.y + start, bar.width, end - start);
    if (const cv::Rect seen = part & image; !seen.empty()) bgr(seen).setTo(colour);
  }
}

/// Four bars: upright lines need no smoothing, and this is ten times as fast.
void draw_edges(cv::Mat& bgr, const cv::Rect& outer, int line, const CaptionedBox& box) {
  const cv::Scalar colour = colour_of(box);
  for (const cv::Rect& bar : {cv::Rect(outer.x, outer.y, outer.width, line),
                              cv::Rect(outer.x, outer.br().y - line, outer.width, line),
                              cv::Rect(outer.x, outer.y, line, outer.height),
                              cv::Rect(outer.br().x - line, outer.y, line, outer.height)}) {
    fill_bar(bgr, bar, colour, box.dashed);
  }
}

/// Half of the image but at most 30 capitals; 150 px are always allowed.
int widest_caption(const cv::Mat& image, const BoxStyle& style) {
  const int wanted = std::min(image.cols / 2, static_cast<int>(30 * style.text.height_px));
  return std::min(image.cols, std::max(wanted, 150)) - 2 * style.pad();
}

void draw_tag(cv::Mat& bgr, const std::string& caption, const cv::Rect& tag,
              const cv::Scalar& colour, BoxStyle style) {
  bgr(tag).setTo(colour);
  style.text.colour = text_colour_on(colour);
  cv::Mat inside = bgr(tag);  // what is too large is cut off there
  draw_text(inside, caption, {style.pad(), style.tag_height() - style.pad()}, style.text);
}

}  // namespace

void draw_boxes(cv::Mat& bgr, const std::vector<CaptionedBox>& boxes, const DrawOptions& options) {
  if (bgr.empty()) return;
  const BoxStyle style = style_for(bgr, options);
  std::vector<cv::Rect> edges;
  for (const CaptionedBox& box : boxes) {
    edges.push_back(outer_edge(pixels_of(box.box_px, bgr), style.line));
    draw_edges(bgr, edges.back(), style.line, box);
  }
  if (options.hide_labels) return;
  const int widest = widest_caption(bgr, style);
  std::vector<std::string> captions;
  std::vector<cv::Size> sizes;
  for (const CaptionedBox& box : boxes) {
    captions.push_back(fit_text(box.caption, style.text, widest, TextCut::kMiddle));
    const int width = text_width(captions.back(), style.text) + 2 * style.pad();
    sizes.push_back(captions.back().empty() ? cv::Size() : cv::Size(width, style.tag_height()));
  }
  const std::vector<cv::Rect> tags =
      place_captions(edges, sizes, bgr.size(), options.keep_free,
                     options.apart ? Crowded::kLeaveOut : Crowded::kCoverLeast);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (!tags[i].empty()) draw_tag(bgr, captions[i], tags[i], colour_of(boxes[i]), style);
  }
}

}  // namespace gannet
