#include "gannet/export/onnx_graph.h"

#include <fmt/format.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/types.h>

#include <limits>
#include <optional>
#include <unordered_map>

#include "gannet/core/error.h"
#include "gannet/ops/stored_tensor.h"

namespace gannet {
namespace {

namespace jit = torch::jit;

using Sizes = std::vector<std::int64_t>;

Sizes recorded_sizes(const jit::Value* value) {
  return value->type()->expectRef<c10::TensorType>().sizes().concrete_sizes().value();
}

class Converter;

/// How one of torch's operators is written: appends nodes, gives the name of the result.
struct OperatorRow {
  const char* torch_name;
  std::string (*write)(Converter& c, const jit::Node& node, const std::string& wanted);
};
const OperatorRow* find_row(const std::string& torch_name);

class Converter {
 public:
  Converter(const jit::Module& module, bool dynamic, OnnxBuilder& builder)
      : module_(module), dynamic_(dynamic), builder_(builder) {}

  OnnxBuilder& builder() { return builder_; }
  bool dynamic() const { return dynamic_; }
  void set_name(const jit::Value* value, const std::string& name) { names_[value] = name; }

  /// The name of a tensor, whose node (and all before it) is written first where it was not yet.
  std::string name_of(const jit::Value* value, const std::string& wanted = {}) {
    if (const auto found = names_.find(value); found != names_.end()) return found->second;
    return names_[value] = write(value, wanted);
  }

  /// What is known without any image.
  std::optional<c10::IValue> known(const jit::Value* value) {
    const auto found = known_.find(value);
    if (found != known_.end()) return found->second;
    return known_[value] = find_known(value);
  }

  const c10::IValue& argument(const jit::Node& node, std::size_t i) {
    if (!known(node.input(i)))
      throw Error(ErrorKind::kConfig, fmt::format("argument {} of {} depends on the image", i,
                                                  node.kind().toQualString()));
    return *known_.at(node.input(i));
  }
  /// Of a weight, which may be one that is widened.
  Sizes weight_sizes(const jit::Value* value) {
    if (value->node()->kind() == c10::aten::to) value = value->node()->input(0);
    return known(value).value().toTensor().sizes().vec();
  }
  std::int64_t integer(const jit::Node& node, std::size_t i) { return argument(node, i).toInt(); }
  Sizes integers(const jit::Node& node, std::size_t i) { return argument(node, i).toIntVector(); }

 private:
  std::string write(const jit::Value* value, const std::string& wanted) {
    const jit::Node& node = *value->node();
    if (const auto constant = known(value)) {
      const bool is_weight = node.kind() == c10::prim::GetAttr;
      const auto tensor = constant->isTensor()
                              ? constant->toTensor()
                              : torch::tensor(constant->toScalar().toFloat(), torch::kFloat32);
      return builder_.constant(tensor, is_weight ? node.s(c10::attr::name) : wanted);
    }
    const std::string name = node.kind().toQualString();
    const OperatorRow* row = find_row(name);
    if (row == nullptr)
      throw Error(ErrorKind::kConfig, fmt::format("{} has no form in ONNX here", name), {},
                  "export to torchscript");
    return row->write(*this, node, wanted);
  }

  std::optional<c10::IValue> find_known(const jit::Value* value) {
    const jit::Node& node = *value->node();
    if (node.kind() == c10::prim::Constant) return jit::toIValue(value);
    if (node.kind() == c10::prim::GetAttr) return module_.attr(node.s(c10::attr::name));
    if (node.kind() == c10::prim::Param || node.kind() == c10::aten::to) return std::nullopt;
    if (node.kind() == c10::aten::ones_like && !dynamic_) return torch::ones(recorded_sizes(value));
    jit::Stack stack;
    for (const jit::Value* input : node.inputs()) {
      const auto constant = known(input);
      if (!constant) return std::nullopt;
      stack.push_back(*constant);
    }
    if (node.kind() == c10::prim::ListConstruct) return list_of(stack, *value->type());
    node.getOperation()(stack);  // torch itself computes what depends on constants only
    return stack.at(0);
  }

  static c10::IValue list_of(const jit::Stack& items, const c10::Type& type) {
    c10::impl::GenericList list(type.expectRef<c10::ListType>().getElementType());
    for (const c10::IValue& item : items) list.push_back(item);
    return list;
  }

  const jit::Module& module_;
  bool dynamic_;
  OnnxBuilder& builder_;
  std::unordered_map<const jit::Value*, std::string> names_;
  std::unordered_map<const jit::Value*, std::optional<c10::IValue>> known_;
};

/// Both ends of each side, as ONNX counts padding.
Sizes both_ends(const Sizes& padding) {
  Sizes ends = padding;
  ends.insert(ends.end(), padding.begin(), padding.end());
  return ends;
}

std::string write_convolution(Converter& c, const jit::Node& node, const std::string& wanted) {
  OnnxBuilder::Names inputs{c.name_of(node.input(0)), c.name_of(node.input(1))};
  const bool has_bias = !c.known(node.input(2)) || !c.argument(node, 2).isNone();
  if (has_bias) inputs.push_back(c.name_of(node.input(2)));
  const Sizes weight = c.weight_sizes(node.input(1));
  return c.builder().add("Conv", inputs,
                         {{"kernel_shape", Sizes{weight[2], weight[3]}},
                          {"strides", c.integers(node, 3)},
                          {"pads", both_ends(c.integers(node, 4))},
                          {"dilations", c.integers(node, 5)},
                          {"group", c.integer(node, 8)}},
                         wanted);
}

std::string write_batch_norm(Converter& c, const jit::Node& node, const std::string& wanted) {
  OnnxBuilder::Names inputs;
  for (std::size_t i = 0; i < 5; ++i) inputs.push_back(c.name_of(node.input(i)));
  return c.builder().add("BatchNormalization", inputs,
                         {{"epsilon", static_cast<float>(c.argument(node, 7).toDouble())}}, wanted);
}

std::string write_max_pool(Converter& c, const jit::Node& node, const std::string& wanted) {
  return c.builder().add("MaxPool", {c.name_of(node.input(0))},
                         {{"kernel_shape", c.integers(node, 1)},
                          {"strides", c.integers(node, 2)},
                          {"pads", both_ends(c.integers(node, 3))}},
                         wanted);
}

std::string write_cat(Converter& c, const jit::Node& node, const std::string& wanted) {
  OnnxBuilder::Names inputs;
  for (const jit::Value* part : node.input(0)->node()->inputs()) inputs.push_back(c.name_of(part));
  return c.builder().add("Concat", inputs, {{"axis", c.integer(node, 1)}}, wanted);
}

std::string write_slice(Converter& c, const jit::Node& node, const std::string&) {
  const auto bound = [&](std::size_t i, std::int64_t open) {
    return c.argument(node, i).isNone() ? open : c.integer(node, i);
  };
  return c.builder().slice(c.name_of(node.input(0)), c.integer(node, 1), bound(2, 0),
                           bound(3, std::numeric_limits<std::int64_t>::max()), c.integer(node, 4));
}

template <int kScales>
std::string write_resize(Converter& c, const jit::Node& node, const OnnxBuilder::Attributes& how,
                         const std::string& wanted) {
  std::vector<float> scales{1, 1};
  for (const double factor : c.argument(node, kScales).toDoubleVector())
    scales.push_back(static_cast<float>(factor));
  return c.builder().add(
      "Resize", {c.name_of(node.input(0)), "", c.builder().constant(torch::tensor(scales))}, how,
      wanted);
}

/// Splits (`unflatten`) or joins (`flatten`) sides; free ones are taken from the input when it
/// runs.
std::string write_reshape(Converter& c, const jit::Node& node, std::size_t begin, std::size_t end,
                          Sizes middle, const std::string& wanted) {
  const std::string input = c.name_of(node.input(0));
  if (!c.dynamic())
    return c.builder().add("Reshape", {input, c.builder().integers(recorded_sizes(node.output()))},
                           {}, wanted);
  const auto num_sides = static_cast<std::int64_t>(recorded_sizes(node.input(0)).size());
  const std::string sides = c.builder().add("Shape", {input});
  OnnxBuilder::Names parts;
  if (begin > 0) parts.push_back(c.builder().slice(sides, 0, 0, static_cast<std::int64_t>(begin)));
  parts.push_back(c.builder().integers(middle));
  if (static_cast<std::int64_t>(end) < num_sides)
    parts.push_back(c.builder().slice(sides, 0, static_cast<std::int64_t>(end), num_sides));
  return c.builder().add("Reshape",
                         {input, c.builder().add("Concat", parts, {{"axis", std::int64_t{0}}})}, {},
                         wanted);
}

std::string write_unflatten(Converter& c, const jit::Node& node, const std::string& wanted) {
  const auto side = static_cast<std::size_t>(c.integer(node, 1));
  return write_reshape(c, node, side, side + 1, c.integers(node, 2), wanted);
}

std::string write_flatten(Converter& c, const jit::Node& node, const std::string& wanted) {
  const auto num_sides = static_cast<std::int64_t>(recorded_sizes(node.input(0)).size());
  const std::int64_t last = c.integer(node, 2);
  const std::int64_t end = (last < 0 ? last + num_sides : last) + 1;
  return write_reshape(c, node, static_cast<std::size_t>(c.integer(node, 1)),
                       static_cast<std::size_t>(end), {-1}, wanted);
}

std::string write_silu(Converter& c, const jit::Node& node, const std::string& wanted) {
  const std::string x = c.name_of(node.input(0));
  return c.builder().add("Mul", {x, c.builder().add("Sigmoid", {x})}, {}, wanted);
}

/// Torch adds and subtracts a multiple, which our blocks never take.
template <bool kHasFactor>
std::string write_binary(const char* op, Converter& c, const jit::Node& node,
                         const std::string& wanted) {
  if constexpr (kHasFactor)
    GANNET_CHECK(c.argument(node, 2).toScalar().toDouble() == 1, "a sum with a factor");
  return c.builder().add(op, {c.name_of(node.input(0)), c.name_of(node.input(1))}, {}, wanted);
}

std::string write_ones_like(Converter& c, const jit::Node& node, const std::string& wanted) {
  const std::string sides = c.builder().add("Shape", {c.name_of(node.input(0))});
  return c.builder().add("ConstantOfShape", {sides}, {{"value", to_tensor_data(torch::ones({1}))}},
                         wanted);
}

// One row an operator. What our blocks are made of, and nothing else.
const OperatorRow kOperators[] = {
    {"aten::_convolution", write_convolution},
    {"aten::batch_norm", write_batch_norm},
    {"aten::leaky_relu",
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       const auto slope = static_cast<float>(c.argument(node, 1).toScalar().toDouble());
       return c.builder().add("LeakyRelu", {c.name_of(node.input(0))}, {{"alpha", slope}}, wanted);
     }},
    {"aten::silu", write_silu},
    {"aten::sigmoid",
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       return c.builder().add("Sigmoid", {c.name_of(node.input(0))}, {}, wanted);
     }},
    {"aten::add",
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       return write_binary<true>("Add", c, node, wanted);
     }},
    {"aten::sub",
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       return write_binary<true>("Sub", c, node, wanted);
     }},
    {"aten::mul",
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       return write_binary<false>("Mul", c, node, wanted);
     }},
    {"aten::cat", write_cat},
    {"aten::slice", write_slice},
    {"aten::select",
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       const auto index = c.builder().constant(torch::tensor(c.integer(node, 2), torch::kInt64));
       return c.builder().add("Gather", {c.name_of(node.input(0)), index},
                              {{"axis", c.integer(node, 1)}}, wanted);
     }},
    {"aten::max_pool2d", write_max_pool},
    {"aten::upsample_nearest2d",
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       return write_resize<2>(c, node,
                              {{"mode", "nearest"},
                               {"coordinate_transformation_mode", "asymmetric"},
                               {"nearest_mode", "floor"}},
                              wanted);
     }},
    {"aten::upsample_bilinear2d",
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       return write_resize<3>(
           c, node, {{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}}, wanted);
     }},
    {"aten::permute",
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       return c.builder().add("Transpose", {c.name_of(node.input(0))},
                              {{"perm", c.integers(node, 1)}}, wanted);
     }},
    {"aten::unflatten", write_unflatten},
    {"aten::flatten", write_flatten},
    {"aten::adaptive_avg_pool2d",
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       GANNET_CHECK(c.integers(node, 1) == Sizes({1, 1}), "only pools over the whole map");
       return c.builder().add("GlobalAveragePool", {c.name_of(node.input(0))}, {}, wanted);
     }},
    {"aten::to",  // widening of float16 weights
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       constexpr std::int64_t kFloat = 1;  // TensorProto.FLOAT
       return c.builder().add("Cast", {c.name_of(node.input(0))}, {{"to", kFloat}}, wanted);
     }},
    {"aten::ones_like", write_ones_like},
    {"aten::cumsum",
     [](Converter& c, const jit::Node& node, const std::string& wanted) {
       const auto axis = c.builder().constant(torch::tensor(c.integer(node, 1), torch::kInt64));
       return c.builder().add("CumSum", {c.name_of(node.input(0)), axis}, {}, wanted);
     }},
};

const OperatorRow* find_row(const std::string& torch_name) {
  for (const OperatorRow& row : kOperators)
    if (torch_name == row.torch_name) return &row;
  return nullptr;
}

}  // namespace

std::vector<Sizes> append_graph(const jit::Module& module, bool dynamic, const std::string& input,
                                const std::vector<std::string>& outputs, OnnxBuilder& builder) {
  const auto graph = module.get_method("forward").graph();
  Converter converter(module, dynamic, builder);
  converter.set_name(graph->inputs().at(1), input);  // the first is the module itself
  const jit::Value* result = graph->outputs().at(0);
  std::vector<const jit::Value*> results{result};
  if (result->node()->kind() == c10::prim::TupleConstruct)
    results.assign(result->node()->inputs().begin(), result->node()->inputs().end());
  std::vector<Sizes> sizes;
  for (std::size_t i = 0; i < results.size(); ++i) {
    converter.name_of(results[i], outputs.at(i));
    sizes.push_back(recorded_sizes(results[i]));
  }
  return sizes;
}

}  // namespace gannet
