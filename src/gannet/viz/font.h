// Lines of text as pictures of their characters: one shipped font (DejaVu Sans), so that pictures
// are the same on every machine, and the machine's fonts for what it lacks.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "gannet/viz/font_file.h"

namespace gannet {

struct PlacedGlyph {
  std::shared_ptr<const GlyphPicture> picture;
  int pen_px = 0;  // behind the start of the text
};

struct TextLine {
  std::vector<PlacedGlyph> glyphs;
  double width_px = 0;
};

/// Sets UTF-8 text in one line from left to right, with kerning; scripts whose characters join or
/// change places are not shaped. Invalid bytes and control characters become U+FFFD, and characters
/// that no font has an empty box. Any thread may call it.
/// @param capital_px height of a capital letter
TextLine set_text(std::string_view text, double capital_px, bool bold);

}  // namespace gannet
