#include "gannet/viz/system_fonts.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "gannet/core/text.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 2000;  // looked into: about a second
constexpr long kMaxFaces = 32;           // of one file

std::vector<std::string> font_files(const fs::path& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  constexpr auto kOptions = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator it(folder, kOptions, error), end; !error && it != end;
       it.increment(error)) {
    const std::string suffix = to_lower(it->path().extension().string());
    std::error_code ignored;
    if ((suffix == ".ttf" || suffix == ".otf" || suffix == ".ttc") && it->is_regular_file(ignored))
      paths.push_back(it->path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

std::vector<fs::path> font_folders() {
  std::vector<fs::path> folders;
  if (const char* data = std::getenv("XDG_DATA_HOME")) {
    folders.push_back(fs::path(data) / "fonts");
  } else if (const char* home = std::getenv("HOME")) {
    folders.push_back(fs::path(home) / ".local/share/fonts");
  }
  folders.insert(folders.end(), {"/usr/local/share/fonts", "/usr/share/fonts"});
  return folders;
}

SystemFonts::SystemFonts(const std::vector<fs::path>& folders) {
  std::size_t looked_into = 0;
  for (const fs::path& folder : folders) {
    for (const std::string& path : font_files(folder)) {
      if (++looked_into > kMaxFiles) break;
      long faces = 1;
      for (long face = 0; face < std::min(faces, kMaxFaces); ++face) {
        const auto font = FontFile::open(path, face);
        if (font == nullptr) continue;
        faces = font->num_faces();
        fonts_.push_back({{path, face}, font->is_regular(), font->characters()});
      }
    }
  }
  std::stable_partition(fonts_.begin(), fonts_.end(),
                        [](const Coverage& font) { return font.regular; });
}

std::optional<FontFace> SystemFonts::find(char32_t character) const {
  for (const Coverage& font : fonts_) {
    const auto range =
        std::lower_bound(font.ranges.begin(), font.ranges.end(), character,
                         [](const CharacterRange& r, char32_t c) { return r.last < c; });
    if (range != font.ranges.end() && range->first <= character) return font.face;
  }
  return std::nullopt;
}

}  // namespace gannet
