// Model files of the golden vectors, and models with statistics as after some training.
#pragma once

#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <memory>
#include <string>

#include "gannet/config/model_description.h"
#include "gannet/nn/model.h"
#include "tests/parity/vector_files.h"

namespace gannet::testing {

inline ModelDescription vector_description(const std::string& model) {
  return load_model_description(vector_path("models/" + model + ".yaml"));
}

inline std::shared_ptr<DetectionModel> make_model(const std::string& name,
                                                  const ModelOptions& options = {}) {
  return std::make_shared<DetectionModel>(vector_description(name), options);
}

inline torch::Tensor random_tensor(torch::IntArrayRef shape, std::uint64_t seed) {
  return torch::rand(shape, at::make_generator<at::CPUGeneratorImpl>(seed), torch::kFloat32);
}

/// Gives every norm scales, shifts and statistics of its own.
inline void disturb_norms(const torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  std::uint64_t seed = 1;
  for (const auto& [name, tensor] : state_dict(module)) {
    if (tensor.dim() != 1 || !tensor.is_floating_point()) continue;
    const double low = name.ends_with("running_var") || name.ends_with("weight") ? 0.5 : -0.5;
    tensor.copy_(random_tensor(tensor.sizes(), seed++) + low);
  }
}

inline torch::Tensor entry(const torch::nn::Module& module, const std::string& wanted) {
  for (const auto& [name, tensor] : state_dict(module))
    if (name == wanted) return tensor;
  return {};
}

inline void expect_equal_states(const torch::nn::Module& a, const torch::nn::Module& b) {
  const StateDict first = state_dict(a), second = state_dict(b);
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].first, second[i].first);
    EXPECT_TRUE(torch::equal(first[i].second, second[i].second)) << first[i].first;
  }
}

}  // namespace gannet::testing
