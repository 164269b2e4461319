#include "gannet/viz/font_file.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "gannet/core/error.h"

namespace gannet {
namespace {

struct Release {
  void operator()(FT_Library library) const { FT_Done_FreeType(library); }
  void operator()(FT_Face face) const { FT_Done_Face(face); }
};

constexpr double kFixed26_6 = 64, kFixed16_16 = 65536;

}  // namespace

/// A library of its own for each font, so that fonts share nothing.
struct FontFile::Handles {
  Handles() {
    FT_Library opened = nullptr;
    GANNET_CHECK(FT_Init_FreeType(&opened) == 0, "FreeType does not start");
    library.reset(opened);
  }
  std::unique_ptr<std::remove_pointer_t<FT_Library>, Release> library;
  std::unique_ptr<std::remove_pointer_t<FT_Face>, Release> face;
};

void FontFile::Deleter::operator()(Handles* handles) const { delete handles; }

FontFile::FontFile(std::unique_ptr<Handles, Deleter> handles) : handles_(std::move(handles)) {}

std::unique_ptr<FontFile> FontFile::owner_of(std::unique_ptr<Handles, Deleter> handles) {
  FT_Face face = handles->face.get();
  const bool usable = face != nullptr && FT_IS_SCALABLE(face) && !FT_HAS_COLOR(face) &&
                      face->units_per_EM > 0 && FT_Select_Charmap(face, FT_ENCODING_UNICODE) == 0;
  return usable ? std::unique_ptr<FontFile>(new FontFile(std::move(handles))) : nullptr;
}

std::unique_ptr<FontFile> FontFile::open(const std::string& path, long face) {
  std::unique_ptr<Handles, Deleter> handles(new Handles);
  FT_Face opened = nullptr;
  if (FT_New_Face(handles->library.get(), path.c_str(), face, &opened) != 0) return nullptr;
  handles->face.reset(opened);
  return owner_of(std::move(handles));
}

std::unique_ptr<FontFile> FontFile::open(std::span<const unsigned char> bytes) {
  std::unique_ptr<Handles, Deleter> handles(new Handles);
  FT_Face opened = nullptr;
  if (FT_New_Memory_Face(handles->library.get(), bytes.data(), static_cast<FT_Long>(bytes.size()),
                         0, &opened) != 0) {
    return nullptr;
  }
  handles->face.reset(opened);
  return owner_of(std::move(handles));
}

long FontFile::num_faces() const { return handles_->face->num_faces; }

bool FontFile::is_regular() const {
  return (handles_->face->style_flags & (FT_STYLE_FLAG_BOLD | FT_STYLE_FLAG_ITALIC)) == 0;
}

std::vector<CharacterRange> FontFile::characters() const {
  std::vector<CharacterRange> ranges;
  FT_UInt glyph = 0;
  for (FT_ULong code = FT_Get_First_Char(handles_->face.get(), &glyph); glyph != 0;
       code = FT_Get_Next_Char(handles_->face.get(), code, &glyph)) {
    const auto character = static_cast<char32_t>(code);
    if (!ranges.empty() && ranges.back().last + 1 == character) {
      ranges.back().last = character;
    } else {
      ranges.push_back({character, character});
    }
  }
  return ranges;
}

unsigned FontFile::glyph_of(char32_t character) const {
  return FT_Get_Char_Index(handles_->face.get(), character);
}

double FontFile::kerning_em(unsigned left, unsigned right) const {
  FT_Face face = handles_->face.get();
  FT_Vector distance{};
  if (!FT_HAS_KERNING(face)) return 0;
  if (FT_Get_Kerning(face, left, right, FT_KERNING_UNSCALED, &distance) != 0) return 0;
  return static_cast<double>(distance.x) / face->units_per_EM;
}

GlyphPicture FontFile::draw(unsigned glyph, const GlyphStyle& style) const {
  FT_Face face = handles_->face.get();
  GlyphPicture picture;
  const auto em = static_cast<FT_F26Dot6>(std::lround(style.em_px * kFixed26_6));
  // Light hinting sharpens the horizontal strokes and leaves the widths as designed.
  if (FT_Set_Char_Size(face, 0, em, 72, 72) != 0 ||
      FT_Load_Glyph(face, glyph, FT_LOAD_NO_BITMAP | FT_LOAD_TARGET_LIGHT) != 0 ||
      face->glyph->format != FT_GLYPH_FORMAT_OUTLINE) {
    return picture;
  }
  const FT_Pos weight = style.bold ? em / 24 : 0;
  FT_Outline& outline = face->glyph->outline;
  if (weight > 0) FT_Outline_EmboldenXY(&outline, weight, 0);
  FT_Outline_Translate(&outline, std::lround(style.shift_px * kFixed26_6), 0);
  picture.advance_px = static_cast<double>(face->glyph->linearHoriAdvance) / kFixed16_16 +
                       static_cast<double>(weight) / kFixed26_6;
  if (FT_Render_Glyph(face->glyph, FT_RENDER_MODE_NORMAL) != 0) return picture;
  const FT_Bitmap& bitmap = face->glyph->bitmap;
  picture.width = static_cast<int>(bitmap.width);
  picture.height = static_cast<int>(bitmap.rows);
  picture.left = face->glyph->bitmap_left;
  picture.top = face->glyph->bitmap_top;
  picture.coverage.reserve(std::size_t{bitmap.width} * bitmap.rows);
  for (int row = 0; row < picture.height; ++row) {
    const unsigned char* line = bitmap.buffer + std::ptrdiff_t{row} * bitmap.pitch;
    picture.coverage.insert(picture.coverage.end(), line, line + bitmap.width);
  }
  return picture;
}

}  // namespace gannet
