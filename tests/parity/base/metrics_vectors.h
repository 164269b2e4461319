// Reads golden vectors of measures: JSON and safetensors, packed or not, as plain numbers.
#pragma once

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/parity/vector_files.h"

namespace gannet::metrics_vectors {

/// @param name relative to the vectors' folder
inline std::string bytes_of(const std::string& name) { return testing::read_vector(name); }

inline nlohmann::json json_of(const std::string& name) {
  return nlohmann::json::parse(bytes_of(name));
}

/// A tensor of any stored type, widened to double (which holds all of them exactly).
struct Tensor {
  std::vector<std::size_t> shape;
  std::vector<double> values;
  std::size_t rows() const { return shape.empty() ? 1 : shape[0]; }
  double at(std::size_t row, std::size_t column) const { return values[row * shape[1] + column]; }
};

class Safetensors {
 public:
  explicit Safetensors(const std::string& name) : bytes_(bytes_of(name)) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), sizeof length);
    header_ = nlohmann::json::parse(bytes_.substr(8, length));
    base_ = 8 + length;
  }
  bool contains(const std::string& name) const { return header_.contains(name); }
  Tensor operator[](const std::string& name) const {
    const nlohmann::json& entry = header_.at(name);
    Tensor tensor;
    tensor.shape = entry.at("shape").get<std::vector<std::size_t>>();
    const auto offsets = entry.at("data_offsets").get<std::vector<std::size_t>>();
    const char* data = bytes_.data() + base_ + offsets[0];
    const std::size_t size = offsets[1] - offsets[0];
    const std::string type = entry.at("dtype");
    if (type == "F64") return widen<double>(std::move(tensor), data, size);
    if (type == "F32") return widen<float>(std::move(tensor), data, size);
    if (type == "I64") return widen<std::int64_t>(std::move(tensor), data, size);
    if (type == "I32") return widen<std::int32_t>(std::move(tensor), data, size);
    if (type == "BOOL" || type == "U8") return widen<std::uint8_t>(std::move(tensor), data, size);
    throw std::runtime_error("unknown type " + type);
  }

 private:
  template <class T>
  static Tensor widen(Tensor tensor, const char* data, std::size_t size) {
    for (std::size_t at = 0; at < size; at += sizeof(T)) {
      T value;
      std::memcpy(&value, data + at, sizeof(T));
      tensor.values.push_back(static_cast<double>(value));
    }
    return tensor;
  }

  std::string bytes_;
  nlohmann::json header_;
  std::size_t base_ = 0;
};

}  // namespace gannet::metrics_vectors
