// Version text of the program, and the readable part of foreign exceptions.
#pragma once

#include <string>

namespace gannet::cli {

/// Version, LibTorch version and back-ends, one line.
std::string version_text();

/// The first line of a text: what a user wants of a message that carries a stack trace.
std::string first_line(const std::string& text);

}  // namespace gannet::cli
