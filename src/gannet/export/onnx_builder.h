// Puts an ONNX graph together, node by node.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gannet/io/onnx_file.h"

namespace gannet {

class OnnxBuilder {
 public:
  using Names = std::vector<std::string>;
  using Attributes = std::vector<std::pair<std::string, OnnxAttribute>>;

  /// Appends an operator with one output. @param inputs names; empty ones are left out
  /// @param wanted name of the output; empty: one is made   @return its name
  std::string add(const std::string& op, const Names& inputs, const Attributes& attributes = {},
                  const std::string& wanted = {});

  /// A tensor that is known now. @param wanted as above   @return its name
  std::string constant(const torch::Tensor& value, const std::string& wanted = {});
  std::string integers(const std::vector<std::int64_t>& values);

  /// `input` from `begin` to before `end` along an axis, each `step`-th.
  std::string slice(const std::string& input, std::int64_t axis, std::int64_t begin,
                    std::int64_t end, std::int64_t step = 1);

  OnnxModel& model() { return model_; }

 private:
  std::string fresh_name(const std::string& kind);

  OnnxModel model_;
  std::int64_t num_names_ = 0;
};

}  // namespace gannet
