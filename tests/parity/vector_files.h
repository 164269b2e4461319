// The files of tests/parity/vectors: where they lie and what is in them, gzipped or not.
#pragma once

#include <zlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace gannet::testing {

/// @param name relative to the vectors' folder
inline std::string vector_path(const std::string& name) {
  return std::string(GANNET_SOURCE_DIR) + "/tests/parity/vectors/" + name;
}

/// What a file holds; one that is stored as NAME.gz is unpacked.
inline std::string read_vector(const std::string& name) {
  const std::string path = vector_path(name), packed = path + ".gz";
  const gzFile file = ::gzopen((std::filesystem::exists(packed) ? packed : path).c_str(), "rb");
  if (file == nullptr) throw std::runtime_error("no vector " + name);
  std::string content, part(1 << 16, '\0');
  int got = 0;
  while ((got = ::gzread(file, part.data(), static_cast<unsigned>(part.size()))) > 0)
    content.append(part, 0, static_cast<std::size_t>(got));
  if (::gzclose(file) != Z_OK || got < 0) throw std::runtime_error("damaged vector " + name);
  return content;
}

/// @param name with its suffix .json
inline nlohmann::json read_vector_json(const std::string& name) {
  return nlohmann::json::parse(read_vector(name));
}

}  // namespace gannet::testing
