// The fonts of this machine, for characters that the shipped font lacks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gannet/viz/font_file.h"

namespace gannet {

/// A face in a font file.
struct FontFace {
  std::string path;
  long number = 0;
};

/// Folders where fonts are installed: those of the user, then those of the machine.
std::vector<std::filesystem::path> font_folders();

/// Knows which installed font has a character. All files are looked into once, at construction;
/// what is no font, or cannot be read, is passed over.
class SystemFonts {
 public:
  explicit SystemFonts(const std::vector<std::filesystem::path>& folders);

  /// Regular faces come before bold and slanted ones, otherwise folders and paths in their order.
  std::optional<FontFace> find(char32_t character) const;

 private:
  struct Coverage {
    FontFace face;
    bool regular = false;
    std::vector<CharacterRange> ranges;  // ascending
  };
  std::vector<Coverage> fonts_;
};

}  // namespace gannet
