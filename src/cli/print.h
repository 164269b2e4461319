// Results on stdout. Names of files and classes come from elsewhere: nothing in them may steer the
// terminal.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace gannet::cli {

/// Lines to stdout, in which all but line breaks is printable (see `printable`).
void print_text(std::string_view text);

/// A line, or several, with its own line break.
template <class... Args>
void print_line(fmt::format_string<Args...> format, Args&&... args) {
  print_text(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace gannet::cli
