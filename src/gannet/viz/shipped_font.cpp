#include "gannet/viz/shipped_font.h"

// The assembler puts the file into the read-only data, which costs no time to compile and leaves no
// path to be wrong at run time.
asm(R"(
  .pushsection .rodata
  .global gannet_shipped_font, gannet_shipped_font_end
  .hidden gannet_shipped_font, gannet_shipped_font_end
  .balign 16
gannet_shipped_font:
  .incbin ")" GANNET_FONT_FILE R"("
gannet_shipped_font_end:
  .byte 0
  .popsection
)");

extern "C" {
extern const unsigned char gannet_shipped_font[];      // NOLINT(readability-identifier-naming)
extern const unsigned char gannet_shipped_font_end[];  // NOLINT(readability-identifier-naming)
}

namespace gannet {

std::span<const unsigned char> shipped_font() {
  return {gannet_shipped_font, gannet_shipped_font_end};
}

}  // namespace gannet
