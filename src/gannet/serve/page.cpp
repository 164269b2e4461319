#include "gannet/serve/page.h"

// As the font of `viz`: the assembler puts the file into the read-only data.
asm(R"(
  .pushsection .rodata
  .global gannet_serve_page, gannet_serve_page_end
  .hidden gannet_serve_page, gannet_serve_page_end
gannet_serve_page:
  .incbin ")" GANNET_PAGE_FILE R"("
gannet_serve_page_end:
  .byte 0
  .popsection
)");

extern "C" {
extern const char gannet_serve_page[];      // NOLINT(readability-identifier-naming)
extern const char gannet_serve_page_end[];  // NOLINT(readability-identifier-naming)
}

namespace gannet {

std::string_view serve_page() { return {gannet_serve_page, gannet_serve_page_end}; }

}  // namespace gannet
