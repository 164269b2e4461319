// A directory of its own for each run of a command.
#pragma once

#include <filesystem>
#include <string>

namespace gannet {

/// Creates PROJECT/NAME (default name exp) or, where that exists, NAME2, NAME3, ...
/// @param exist_ok takes PROJECT/NAME also if it exists
/// Throws Error (kIo) where it cannot be written.
std::filesystem::path create_run_directory(const std::string& project, const std::string& name,
                                           bool exist_ok);

}  // namespace gannet
