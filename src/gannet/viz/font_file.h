// A face of a font: which characters it has and how they look. FreeType is behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gannet {

/// Coverage of a character's pixels, row by row; without pixels for a blank.
struct GlyphPicture {
  int width = 0, height = 0;
  int left = 0, top = 0;  // of the first pixel: columns behind the pen, rows above the base line
  double advance_px = 0;  // of the pen
  std::vector<std::uint8_t> coverage;
};

struct GlyphStyle {
  double em_px = 16;
  bool bold = false;    // made from the regular outline
  double shift_px = 0;  // to the right, below 1
};

/// Characters in a row, both ends included.
struct CharacterRange {
  char32_t first = 0, last = 0;
};

/// One thread at a time.
class FontFile {
 public:
  /// Null unless it is a font with outlines in one colour, and has face number `face`.
  static std::unique_ptr<FontFile> open(const std::string& path, long face = 0);
  /// The bytes must outlive the font.
  static std::unique_ptr<FontFile> open(std::span<const unsigned char> bytes);

  long num_faces() const;
  bool is_regular() const;  // neither bold nor slanted
  std::vector<CharacterRange> characters() const;
  /// Number of the glyph; 0, the empty box, for a character that the font lacks.
  unsigned glyph_of(char32_t character) const;
  /// What the pen moves further between two glyphs, in em; mostly 0 or below.
  double kerning_em(unsigned left, unsigned right) const;
  GlyphPicture draw(unsigned glyph, const GlyphStyle& style) const;

 private:
  struct Handles;
  struct Deleter {
    void operator()(Handles* handles) const;
  };
  explicit FontFile(std::unique_ptr<Handles, Deleter> handles);
  static std::unique_ptr<FontFile> owner_of(std::unique_ptr<Handles, Deleter> handles);

  std::unique_ptr<Handles, Deleter> handles_;
};

}  // namespace gannet
