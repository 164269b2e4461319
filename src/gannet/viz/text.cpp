#include "gannet/viz/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "gannet/core/error.h"
#include "gannet/core/text.h"
#include "gannet/viz/font.h"

namespace gannet {
namespace {

const std::string kEllipsis = "\u2026";

int width_of(const TextLine& line) { return static_cast<int>(std::ceil(line.width_px)); }

/// Columns from the anchor to the start of the text.
int start_of(const TextLine& line, TextAnchor anchor) {
  if (anchor == TextAnchor::kLeft) return 0;
  return anchor == TextAnchor::kRight ? -width_of(line) : -width_of(line) / 2;
}

/// Pixels of a glyph before the text is turned, from the base point.
cv::Rect pixels_of(const PlacedGlyph& glyph, int start) {
  return {start + glyph.pen_px + glyph.picture->left, -glyph.picture->top, glyph.picture->width,
          glyph.picture->height};
}

cv::Rect turned_up(const cv::Rect& r) { return {r.y, -r.x - r.width, r.height, r.width}; }

struct Ink {
  std::array<int, 3> bgr{};

  void blend(std::uint8_t* pixel, int coverage) const {
    for (std::size_t c = 0; c < 3; ++c) {
      const int mixed = pixel[c] * (255 - coverage) + bgr[c] * coverage;
      pixel[c] = static_cast<std::uint8_t>((mixed + 127) / 255);
    }
  }
};

Ink ink_of(const cv::Scalar& colour) {
  Ink ink;
  for (int c = 0; c < 3; ++c) {
    ink.bgr[static_cast<std::size_t>(c)] = cv::saturate_cast<std::uint8_t>(colour[c]);
  }
  return ink;
}

/// @param area where the glyph lies on the picture, turned if it is turned
void blend_glyph(cv::Mat& bgr, const GlyphPicture& glyph, const cv::Rect& area, bool upwards,
                 const Ink& ink) {
  const cv::Rect seen = area & cv::Rect(0, 0, bgr.cols, bgr.rows);
  for (int y = seen.y; y < seen.br().y; ++y) {
    std::uint8_t* row = bgr.ptr<std::uint8_t>(y);
    for (int x = seen.x; x < seen.br().x; ++x) {
      const int across = x - area.x, down = y - area.y;
      const int source =
          upwards ? across * glyph.width + (glyph.width - 1 - down) : down * glyph.width + across;
      const int coverage = glyph.coverage[static_cast<std::size_t>(source)];
      if (coverage > 0) ink.blend(row + std::ptrdiff_t{3} * x, coverage);
    }
  }
}

/// Where the characters of a text begin, and its end.
std::vector<std::size_t> boundaries_of(const std::string& text) {
  std::vector<std::size_t> boundaries = {0};
  for (std::string_view rest = text; !rest.empty();) {
    take_character(rest);
    boundaries.push_back(text.size() - rest.size());
  }
  return boundaries;
}

}  // namespace

int text_width(const std::string& text, const TextStyle& style) {
  return width_of(set_text(text, style.height_px, style.bold));
}

cv::Rect text_bounds(const std::string& text, cv::Point base, const TextStyle& style) {
  const TextLine line = set_text(text, style.height_px, style.bold);
  cv::Rect bounds;
  for (const PlacedGlyph& glyph : line.glyphs)
    bounds |= pixels_of(glyph, start_of(line, style.anchor));
  return (style.upwards ? turned_up(bounds) : bounds) + base;
}

void draw_text(cv::Mat& bgr, const std::string& text, cv::Point base, const TextStyle& style) {
  GANNET_CHECK(bgr.type() == CV_8UC3, "text is drawn on 8-bit BGR");
  const TextLine line = set_text(text, style.height_px, style.bold);
  const int start = start_of(line, style.anchor);
  const Ink ink = ink_of(style.colour);
  for (const PlacedGlyph& glyph : line.glyphs) {
    const cv::Rect pixels = pixels_of(glyph, start);
    blend_glyph(bgr, *glyph.picture, (style.upwards ? turned_up(pixels) : pixels) + base,
                style.upwards, ink);
  }
}

std::string fit_text(const std::string& text, const TextStyle& style, int width_px, TextCut cut) {
  if (text_width(text, style) <= width_px) return text;
  const std::vector<std::size_t> boundaries = boundaries_of(text);
  const auto shortened = [&](std::size_t kept) {
    const std::size_t tail = cut == TextCut::kMiddle ? kept / 2 : 0;
    const std::size_t tail_start = boundaries[boundaries.size() - 1 - tail];
    return text.substr(0, boundaries[kept - tail]) + kEllipsis + text.substr(tail_start);
  };
  std::size_t fits = 0, too_long = boundaries.size() - 1;  // characters kept
  if (text_width(kEllipsis, style) > width_px) return {};
  while (fits + 1 < too_long) {
    const std::size_t middle = (fits + too_long) / 2;
    (text_width(shortened(middle), style) <= width_px ? fits : too_long) = middle;
  }
  return shortened(fits);
}

void draw_texts(cv::Mat& bgr, const std::vector<PlacedText>& texts) {
  for (const PlacedText& placed : texts) draw_text(bgr, placed.text, placed.base, placed.style);
}

}  // namespace gannet
