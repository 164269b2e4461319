#include "gannet/viz/font.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/text.h"
#include "gannet/viz/shipped_font.h"
#include "gannet/viz/system_fonts.h"

namespace gannet {
namespace {

constexpr double kCapitalEm = 1493.0 / 2048;  // height of a capital letter of the shipped font
constexpr int kSteps = 4;                     // places of the pen within a pixel
constexpr double kMaxEm = 1000;
constexpr std::size_t kMaxPictures = 20000;  // some MB
constexpr char32_t kReplacement = 0xFFFD;

/// A glyph of some font. The fonts live as long as the program.
struct Glyph {
  const FontFile* font = nullptr;
  unsigned number = 0;
};

/// Marks that have no shape of their own: joiners, directions, variants, byte order.
bool is_invisible(char32_t c) {
  return (c >= 0x200B && c <= 0x200F) || (c >= 0x2060 && c <= 0x2064) ||
         (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF || c == 0xAD;
}

/// What steers a terminal or the direction of text is shown as a mark, never obeyed.
bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E);
}

/// Fonts and the pictures drawn from them so far; the caller holds the lock.
class FontCache {
 public:
  FontCache() : shipped_(FontFile::open(shipped_font())) {
    GANNET_CHECK(shipped_ != nullptr, "the shipped font cannot be read");
  }

  Glyph glyph_of(char32_t character) {
    const auto [it, is_new] = glyphs_.try_emplace(character);
    if (is_new) it->second = look_up(character);
    return it->second;
  }

  std::shared_ptr<const GlyphPicture> picture_of(const Glyph& glyph, double em_px, bool bold,
                                                 int step) {
    const Key key{glyph.font, glyph.number, static_cast<int>(std::lround(em_px * 64)), bold, step};
    if (const auto it = pictures_.find(key); it != pictures_.end()) return it->second;
    if (pictures_.size() >= kMaxPictures) pictures_.clear();
    const GlyphStyle style{em_px, bold, static_cast<double>(step) / kSteps};
    auto picture = std::make_shared<const GlyphPicture>(glyph.font->draw(glyph.number, style));
    pictures_.emplace(key, picture);
    return picture;
  }

 private:
  using Key = std::tuple<const FontFile*, unsigned, int, bool, int>;

  struct Hash {
    std::size_t operator()(const Key& key) const {
      const auto [font, glyph, em, bold, step] = key;
      const auto small =
          static_cast<std::size_t>(em) * 8 + (bold ? 4U : 0U) + static_cast<std::size_t>(step);
      return (std::hash<const FontFile*>{}(font) ^ glyph * std::size_t{0x9E3779B97F4A7C15U}) +
             small * std::size_t{0xC2B2AE3D27D4EB4FU};
    }
  };

  Glyph look_up(char32_t character) {
    if (const unsigned number = shipped_->glyph_of(character)) return {shipped_.get(), number};
    if (!system_) system_.emplace(font_folders());
    const std::optional<FontFace> face = system_->find(character);
    if (!face) return {shipped_.get(), 0};
    auto& font = others_[{face->path, face->number}];
    if (font == nullptr) font = FontFile::open(face->path, face->number);
    if (font == nullptr) return {shipped_.get(), 0};  // gone since
    return {font.get(), font->glyph_of(character)};
  }

  std::unique_ptr<FontFile> shipped_;
  std::optional<SystemFonts> system_;  // looked for when the first character is missing
  std::map<std::pair<std::string, long>, std::unique_ptr<FontFile>> others_;
  std::unordered_map<char32_t, Glyph> glyphs_;
  std::unordered_map<Key, std::shared_ptr<const GlyphPicture>, Hash> pictures_;
};

}  // namespace

TextLine set_text(std::string_view text, double capital_px, bool bold) {
  static std::mutex mutex;
  static FontCache fonts;
  const std::scoped_lock lock(mutex);
  const double em_px = std::clamp(capital_px / kCapitalEm, 1.0, kMaxEm);
  TextLine line;
  Glyph last;
  while (!text.empty()) {
    char32_t character = take_character(text);
    if (is_invisible(character)) continue;
    if (is_control(character)) character = kReplacement;
    const Glyph glyph = fonts.glyph_of(character);
    if (glyph.font == last.font) {
      line.width_px += em_px * glyph.font->kerning_em(last.number, glyph.number);
    }
    const double pen = std::floor(line.width_px * kSteps + 0.5) / kSteps;
    const double whole = std::floor(pen);
    const int step = static_cast<int>((pen - whole) * kSteps);
    auto picture = fonts.picture_of(glyph, em_px, bold, step);
    line.width_px += picture->advance_px;
    line.glyphs.push_back({std::move(picture), static_cast<int>(whole)});
    last = glyph;
  }
  return line;
}

}  // namespace gannet
