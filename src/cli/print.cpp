#include "print.h"

#include <cstdio>

#include "gannet/core/text.h"

namespace gannet::cli {

void print_text(std::string_view text) {
  for (const std::string& line : split(text, '\n'))
    fmt::print("{}\n", printable(line, 4 * line.size() + 1));
}

}  // namespace gannet::cli
