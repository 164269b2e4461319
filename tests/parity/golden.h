// Reads golden vectors and compares with them: the first entry that is off is named.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "gannet/config/model_description.h"
#include "gannet/core/rng.h"
#include "gannet/io/safetensors.h"
#include "gannet/nn/model.h"
#include "gannet/ops/placement.h"
#include "gannet/ops/stored_tensor.h"
#include "tests/parity/vector_files.h"

namespace gannet::golden {

/// Where the vectors are tried: the CPU, or what GANNET_TEST_DEVICE names ("cuda:0").
inline torch::Device test_device() {
  static const torch::Device device = [] {
    const char* name = std::getenv("GANNET_TEST_DEVICE");
    return resolve_placement(name == nullptr ? "cpu" : name, "fp32").device;
  }();
  return device;
}

/// A tolerance for float32: devices of other kinds sum in other orders (float64 hides that).
inline double on_device(double tolerance) {
  return test_device().is_cpu() || tolerance < 1e-7 ? tolerance : std::max(tolerance, 1e-4);
}

inline nlohmann::json json(const std::string& name) { return testing::read_vector_json(name); }

/// The tensors of a safetensors file by name.
class Vector {
 public:
  explicit Vector(const std::string& name)
      : content_(parse_safetensors(make_storage(testing::read_vector(name + ".safetensors")))) {}
  bool has(const std::string& name) const { return content_.find(name) != nullptr; }
  torch::Tensor operator[](const std::string& name) const {
    const TensorData* data = content_.find(name);
    if (data == nullptr) throw std::runtime_error("no tensor " + name);
    return to_tensor(*data).to(test_device());
  }
  /// Entries below a prefix, without it.
  StateDict below(const std::string& prefix) const {
    StateDict state;
    for (const auto& [name, data] : content_.tensors)
      if (name.starts_with(prefix))
        state.emplace_back(name.substr(prefix.size()), to_tensor(data).to(test_device()));
    return state;
  }

 private:
  SafeTensors content_;
};

/// Fails the test unless at least so many comparisons were made while it lived: what is compared
/// where a vector has it must not come to nothing.
class AtLeast {
 public:
  explicit AtLeast(int comparisons) : wanted_(counted() + comparisons) {}
  ~AtLeast() { EXPECT_GE(counted(), wanted_) << "fewer comparisons than the vectors are good for"; }
  AtLeast(const AtLeast&) = delete;
  AtLeast& operator=(const AtLeast&) = delete;

  static void count() { ++counted(); }

 private:
  static int& counted() {
    static int number = 0;
    return number;
  }

  int wanted_;
};

/// Largest difference relative to the largest expected magnitude.
/// @param least magnitude that counts: what is nothing but rounding differs between devices
inline double relative_error(const torch::Tensor& actual, const torch::Tensor& expected,
                             double least = 1e-30) {
  if (expected.numel() == 0) return 0;
  const auto a = actual.detach().to(torch::kCPU, torch::kFloat64),
             e = expected.to(torch::kCPU, torch::kFloat64);
  const double scale = std::max(e.abs().max().item<double>(), least);
  const double difference = (a - e).abs().max().item<double>();
  return std::isfinite(difference) ? difference / scale : std::numeric_limits<double>::infinity();
}

inline ::testing::AssertionResult near(const torch::Tensor& actual, const torch::Tensor& expected,
                                       double tolerance) {
  if (actual.sizes() != expected.sizes())
    return ::testing::AssertionFailure()
           << "shape " << actual.sizes() << ", expected " << expected.sizes();
  AtLeast::count();
  const bool single_on_device = !test_device().is_cpu() && tolerance > 1e-7;
  const double error = relative_error(actual, expected, single_on_device ? 1e-3 : 1e-30);
  if (error <= on_device(tolerance)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "relative error " << error << " above " << tolerance;
}

/// The same for columns of unlike things, each group relative to its own largest magnitude: beside
/// boxes in pixels a score could be off by a tenth unseen.
/// @param widths of the groups in the last dimension; the last takes what is left
inline ::testing::AssertionResult near_by_columns(const torch::Tensor& actual,
                                                  const torch::Tensor& expected,
                                                  const std::vector<std::int64_t>& widths,
                                                  double tolerance) {
  if (actual.sizes() != expected.sizes()) return near(actual, expected, tolerance);
  std::int64_t first = 0;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const std::int64_t width = i + 1 < widths.size() ? widths[i] : expected.size(-1) - first;
    const auto result =
        near(actual.narrow(-1, first, width), expected.narrow(-1, first, width), tolerance);
    if (!result)
      return ::testing::AssertionFailure()
             << "columns " << first << " to " << first + width - 1 << ": " << result.message();
    first += width;
  }
  return ::testing::AssertionSuccess();
}

/// Predictions (..., 5 + C), raw or decoded: box, objectness, classes.
inline ::testing::AssertionResult near_predictions(const torch::Tensor& actual,
                                                   const torch::Tensor& expected,
                                                   double tolerance) {
  return near_by_columns(actual, expected, {4, 1, 0}, tolerance);
}

/// Numbers from 0 to 1 that the vectors' origin made by the same rule: murmur3's finaliser over a
/// name's hash and the position.
inline torch::Tensor uniform_by_rule(const std::string& name, torch::IntArrayRef shape) {
  const auto mix = [](std::uint32_t h) {
    h ^= h >> 16;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    return h ^ (h >> 16);
  };
  auto u = torch::empty(shape, torch::kFloat64);
  double* data = u.data_ptr<double>();
  for (std::int64_t k = 0; k < u.numel(); ++k)
    data[k] = mix(fnv1a32(name) + static_cast<std::uint32_t>(k)) / 4294967296.0;
  return u;
}

/// A state entry as models "by rule" have it, from its name alone.
inline void fill_by_rule(const std::string& name, torch::Tensor tensor) {
  if (name.find("anchor") != std::string::npos || name.ends_with("num_batches_tracked")) return;
  const auto u = uniform_by_rule(name, tensor.sizes());
  if (tensor.dim() == 4) {
    tensor.copy_((2 * u - 1) * std::sqrt(4.5 / static_cast<double>(tensor.size(1) * tensor.size(2) *
                                                                   tensor.size(3))));
  } else if (name.ends_with("running_var")) {
    tensor.copy_(0.5 + u);
  } else if (name.ends_with(".weight")) {
    tensor.copy_(0.75 + 0.5 * u);
  } else {
    tensor.copy_(0.4 * u - 0.2);
  }
}

inline ModelDescription model_description(const std::string& model) {
  const std::string own = testing::vector_path("models/" + model + ".yaml");
  return load_model_description(std::filesystem::exists(own)
                                    ? own
                                    : std::string(GANNET_SOURCE_DIR) + "/configs/models/" + model +
                                          ".yaml");
}

}  // namespace gannet::golden
