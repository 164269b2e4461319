// Reads golden vectors and compares with them: the first entry that is off is named.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "gannet/config/model_description.h"
#include "gannet/io/safetensors.h"
#include "gannet/nn/model.h"
#include "gannet/ops/stored_tensor.h"

namespace gannet::golden {

inline std::string path(const std::string& name) {
  return std::string(GANNET_SOURCE_DIR) + "/tests/parity/vectors/" + name;
}

inline nlohmann::json json(const std::string& name) {
  std::ifstream stream(path(name));
  if (!stream) throw std::runtime_error("no vector " + name);
  return nlohmann::json::parse(stream);
}

/// The tensors of a safetensors file by name.
class Vector {
 public:
  explicit Vector(const std::string& name)
      : content_(load_safetensors(path(name + ".safetensors"))) {}
  bool has(const std::string& name) const { return content_.find(name) != nullptr; }
  torch::Tensor operator[](const std::string& name) const {
    const TensorData* data = content_.find(name);
    if (data == nullptr) throw std::runtime_error("no tensor " + name);
    return to_tensor(*data);
  }
  /// Entries below a prefix, without it.
  StateDict below(const std::string& prefix) const {
    StateDict state;
    for (const auto& [name, data] : content_.tensors)
      if (name.starts_with(prefix)) state.emplace_back(name.substr(prefix.size()), to_tensor(data));
    return state;
  }

 private:
  SafeTensors content_;
};

/// Largest difference relative to the largest expected magnitude.
inline double relative_error(const torch::Tensor& actual, const torch::Tensor& expected) {
  if (expected.numel() == 0) return 0;
  const auto a = actual.detach().to(torch::kFloat64), e = expected.to(torch::kFloat64);
  const double scale = std::max(e.abs().max().item<double>(), 1e-30);
  const double difference = (a - e).abs().max().item<double>();
  return std::isfinite(difference) ? difference / scale : std::numeric_limits<double>::infinity();
}

inline ::testing::AssertionResult near(const torch::Tensor& actual, const torch::Tensor& expected,
                                       double tolerance) {
  if (actual.sizes() != expected.sizes())
    return ::testing::AssertionFailure()
           << "shape " << actual.sizes() << ", expected " << expected.sizes();
  const double error = relative_error(actual, expected);
  if (error <= tolerance) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "relative error " << error << " above " << tolerance;
}

inline ModelDescription model_description(const std::string& model) {
  const std::string own = path("models/" + model + ".yaml");
  return load_model_description(std::ifstream(own) ? own
                                                   : std::string(GANNET_SOURCE_DIR) +
                                                         "/configs/models/" + model + ".yaml");
}

}  // namespace gannet::golden
