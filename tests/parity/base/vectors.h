// Reads golden vectors (safetensors and JSON) for the tests of the torch-free part. Independent of
// the library's own reader, so that the two check each other.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/parity/vector_files.h"

namespace gannet::testing {

/// @param name relative to the vectors' folder, without suffix
inline nlohmann::json read_json(const std::string& name) {
  return read_vector_json(name + ".json");
}

/// A row-major tensor of a file.
struct Tensor {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;

  std::int64_t size() const {
    std::int64_t product = 1;
    for (const std::int64_t side : shape) product *= side;
    return product;
  }
  /// Values of the type that the file holds.
  template <class T>
  std::vector<T> values() const {
    const std::string expected = std::is_same_v<T, float>          ? "F32"
                                 : std::is_same_v<T, double>       ? "F64"
                                 : std::is_same_v<T, std::int64_t> ? "I64"
                                 : std::is_same_v<T, std::int32_t> ? "I32"
                                                                   : "U8";
    if (dtype != expected) throw std::runtime_error("tensor is " + dtype + ", not " + expected);
    std::vector<T> result(static_cast<std::size_t>(size()));
    if (result.size() * sizeof(T) != bytes.size()) throw std::runtime_error("tensor size");
    if (!result.empty()) std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }
};

using Tensors = std::map<std::string, Tensor>;

/// @param name relative to the vectors' folder, without suffix
inline Tensors read_tensors(const std::string& name) {
  const std::string file = read_vector(name + ".safetensors");
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), sizeof header_size);
  const std::size_t data = sizeof header_size + header_size;
  const auto header = nlohmann::json::parse(file.substr(sizeof header_size, header_size));
  Tensors tensors;
  for (const auto& [key, entry] : header.items()) {
    if (key == "__metadata__") continue;
    const auto offsets = entry.at("data_offsets").get<std::vector<std::size_t>>();
    tensors[key] = {entry.at("dtype").get<std::string>(),
                    entry.at("shape").get<std::vector<std::int64_t>>(),
                    file.substr(data + offsets.at(0), offsets.at(1) - offsets.at(0))};
  }
  return tensors;
}

}  // namespace gannet::testing
