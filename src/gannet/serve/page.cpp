#include "gannet/serve/page.h"

// As the font of `viz`: the assembler puts the files into the read-only data.
#define GANNET_EMBED(name, file)                                 \
  asm(".pushsection .rodata\n"                                   \
      ".global gannet_" #name ", gannet_" #name                  \
      "_end\n"                                                   \
      ".hidden gannet_" #name ", gannet_" #name                  \
      "_end\n"                                                   \
      "gannet_" #name ": .incbin \"" GANNET_PAGE_FOLDER "/" file \
      "\"\n"                                                     \
      "gannet_" #name                                            \
      "_end: .byte 0\n"                                          \
      ".popsection\n");                                          \
  extern "C" const char gannet_##name[], gannet_##name##_end[];

GANNET_EMBED(serve_page, "page.html")
GANNET_EMBED(dashboard_page, "dashboard.html")
GANNET_EMBED(chart_script, "vendor/uplot.js")
GANNET_EMBED(chart_style, "vendor/uplot.css")

namespace gannet {

std::string_view serve_page() { return {gannet_serve_page, gannet_serve_page_end}; }
std::string_view dashboard_page() { return {gannet_dashboard_page, gannet_dashboard_page_end}; }
std::string_view chart_script() { return {gannet_chart_script, gannet_chart_script_end}; }
std::string_view chart_style() { return {gannet_chart_style, gannet_chart_style_end}; }

}  // namespace gannet
