// Whole files of the golden vectors: NAME itself, or NAME.gz unpacked.
#pragma once

#include <zlib.h>

#include <array>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace gannet::metrics_vectors {

inline std::string bytes_of_vector(const std::string& path) {
  const std::string stored = std::filesystem::exists(path) ? path : path + ".gz";
  gzFile file = gzopen(stored.c_str(), "rb");  // reads plain files as they are
  if (file == nullptr) throw std::runtime_error("missing vector " + path);
  std::string bytes;
  std::array<char, 1 << 16> piece;
  int count = 0;
  while ((count = gzread(file, piece.data(), piece.size())) > 0)
    bytes.append(piece.data(), static_cast<std::size_t>(count));
  const bool complete = gzclose(file) == Z_OK && count == 0;
  if (!complete) throw std::runtime_error("damaged vector " + path);
  return bytes;
}

}  // namespace gannet::metrics_vectors
