// SHA-256 of files, which signed uploads carry (FIPS 180-4).
#pragma once

#include <filesystem>
#include <string>

namespace gannet {

/// 64 lower-case hexadecimal digits; reads the file in pieces. Throws Error (kIo) naming the file.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace gannet
