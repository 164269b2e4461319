#include "gannet/export/onnx_builder.h"

#include <fmt/format.h>
#include <torch/types.h>

#include "gannet/ops/stored_tensor.h"

namespace gannet {

std::string OnnxBuilder::fresh_name(const std::string& kind) {
  return fmt::format("{}_{}", kind, num_names_++);
}

std::string OnnxBuilder::add(const std::string& op, const Names& inputs,
                             const Attributes& attributes, const std::string& wanted) {
  const std::string name = fresh_name(op);
  const std::string output = wanted.empty() ? name : wanted;
  model_.nodes.push_back({op, name, inputs, {output}, attributes});
  return output;
}

std::string OnnxBuilder::constant(const torch::Tensor& value, const std::string& wanted) {
  const std::string name = wanted.empty() ? fresh_name("constant") : wanted;
  model_.constants.emplace_back(name, to_tensor_data(value));
  return name;
}

std::string OnnxBuilder::integers(const std::vector<std::int64_t>& values) {
  return constant(torch::tensor(values, torch::kInt64));
}

std::string OnnxBuilder::slice(const std::string& input, std::int64_t axis, std::int64_t begin,
                               std::int64_t end, std::int64_t step) {
  return add("Slice",
             {input, integers({begin}), integers({end}), integers({axis}), integers({step})});
}

}  // namespace gannet
