#include "gannet/viz/text.h"

#include <opencv2/imgproc.hpp>

namespace gannet {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kCapitalPx = 21;  // height of a capital letter at scale 1

/// UTF-8 to what the font has: a '?' for each other character.
std::string printable(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;  // continues a character
    result += byte >= 32 && byte < 127 ? c : '?';
  }
  return result;
}

}  // namespace

int text_width(const std::string& text, const TextStyle& style) {
  int baseline = 0;
  const double scale = style.height_px / kCapitalPx;
  return cv::getTextSize(printable(text), kFont, scale, style.thickness, &baseline).width;
}

void draw_text(cv::Mat& bgr, const std::string& text, cv::Point base, const TextStyle& style) {
  if (style.anchor != TextAnchor::kLeft) {
    const int width = text_width(text, style);
    base.x -= style.anchor == TextAnchor::kRight ? width : width / 2;
  }
  cv::putText(bgr, printable(text), base, kFont, style.height_px / kCapitalPx, style.colour,
              style.thickness, cv::LINE_AA);
}

}  // namespace gannet
