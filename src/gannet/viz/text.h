// Text on pictures, placed by its corner, edge or centre.
#pragma once

#include <opencv2/core.hpp>
#include <string>

namespace gannet {

enum class TextAnchor { kLeft, kCentre, kRight };

struct TextStyle {
  double height_px = 12;  // of a capital letter
  cv::Scalar colour{40, 40, 40};
  int thickness = 1;
  TextAnchor anchor = TextAnchor::kLeft;
};

/// Width in pixels that `draw_text` will use.
int text_width(const std::string& text, const TextStyle& style);

/// Draws anti-aliased text whose base line passes through `base`; the anchor says which part of the
/// text stands at base.x. Characters that the font lacks become '?'.
void draw_text(cv::Mat& bgr, const std::string& text, cv::Point base, const TextStyle& style);

}  // namespace gannet
