// Text on pictures: any UTF-8, placed by its start, centre or end, upright or reading upwards.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace gannet {

/// Which part of the text stands at the given point.
enum class TextAnchor { kLeft, kCentre, kRight };

struct TextStyle {
  double height_px = 12;  // of a capital letter
  cv::Scalar colour{40, 40, 40};
  bool bold = false;
  TextAnchor anchor = TextAnchor::kLeft;
  bool upwards = false;  // turned by 90 degrees: reads from bottom to top
};

/// Lines of text whose base lines are so far apart do not touch, whatever accents and descenders
/// they have; and the largest text for such a distance.
constexpr double line_px(double capital_px) { return 1.6 * capital_px + 2; }
constexpr double capital_px(double line_px) { return (line_px - 2) / 1.6; }

/// Length in pixels, along the base line.
int text_width(const std::string& text, const TextStyle& style);

/// The smallest rectangle with all pixels that `draw_text` changes; empty for blanks.
cv::Rect text_bounds(const std::string& text, cv::Point base, const TextStyle& style);

/// Draws anti-aliased text on 8-bit BGR; its base line passes through `base`. Parts outside the
/// picture are cut off. What has no glyph: see `set_text`.
void draw_text(cv::Mat& bgr, const std::string& text, cv::Point base, const TextStyle& style);

enum class TextCut { kEnd, kMiddle };

/// The text, or as much of it as fits into `width_px` with an ellipsis where something is cut out;
/// empty if not even that fits.
std::string fit_text(const std::string& text, const TextStyle& style, int width_px,
                     TextCut cut = TextCut::kEnd);

/// Text with its place, for layouts that are made before anything is drawn.
struct PlacedText {
  std::string text;
  cv::Point base;
  TextStyle style;
  cv::Rect bounds() const { return text_bounds(text, base, style); }
};

void draw_texts(cv::Mat& bgr, const std::vector<PlacedText>& texts);

}  // namespace gannet
