#include "gannet/io/onnx_file.h"

#include <limits>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "onnx.pb.h"

namespace gannet {
namespace {

struct ElementType {
  DType dtype;
  int number;  // TensorProto.DataType of the format
};
constexpr ElementType kElementTypes[] = {
    {DType::kF32, 1}, {DType::kU8, 2},   {DType::kI8, 3},   {DType::kI16, 5},  {DType::kI32, 6},
    {DType::kI64, 7}, {DType::kBool, 9}, {DType::kF16, 10}, {DType::kF64, 11}, {DType::kBF16, 16},
};

int element_type(DType dtype) {
  for (const ElementType& row : kElementTypes)
    if (row.dtype == dtype) return row.number;
  return 0;
}

DType dtype_of(int element_type) {
  for (const ElementType& row : kElementTypes)
    if (row.number == element_type) return row.dtype;
  throw Error(ErrorKind::kCheckpoint, "an input or output has a type that is not known");
}

void write_tensor(const TensorData& from, const std::string& name, onnx::Tensor& to) {
  for (const std::int64_t side : from.shape) to.add_dims(side);
  to.set_data_type(element_type(from.dtype));
  if (!name.empty()) to.set_name(name);
  std::string& bytes = *to.mutable_raw_data();
  bytes.resize(from.num_bytes());
  from.copy_to(std::as_writable_bytes(std::span(bytes)));
}

struct AttributeWriter {
  onnx::Attribute& to;

  void operator()(std::int64_t number) const {
    to.set_type(onnx::Attribute::INT);
    to.set_i(number);
  }
  void operator()(float number) const {
    to.set_type(onnx::Attribute::FLOAT);
    to.set_f(number);
  }
  void operator()(const std::string& text) const {
    to.set_type(onnx::Attribute::STRING);
    to.set_s(text);
  }
  void operator()(const std::vector<std::int64_t>& numbers) const {
    to.set_type(onnx::Attribute::INTS);
    for (const std::int64_t number : numbers) to.add_ints(number);
  }
  void operator()(const std::vector<float>& numbers) const {
    to.set_type(onnx::Attribute::FLOATS);
    for (const float number : numbers) to.add_floats(number);
  }
  void operator()(const TensorData& tensor) const {
    to.set_type(onnx::Attribute::TENSOR);
    write_tensor(tensor, {}, *to.mutable_t());
  }
};

void write_node(const OnnxNode& from, onnx::Node& to) {
  to.set_op_type(from.op);
  to.set_name(from.name);
  for (const std::string& name : from.inputs) to.add_input(name);
  for (const std::string& name : from.outputs) to.add_output(name);
  for (const auto& [name, value] : from.attributes) {
    onnx::Attribute& attribute = *to.add_attribute();
    attribute.set_name(name);
    std::visit(AttributeWriter{attribute}, value);
  }
}

void write_value(const OnnxValue& from, onnx::ValueInfo& to) {
  to.set_name(from.name);
  auto& type = *to.mutable_type()->mutable_tensor_type();
  type.set_elem_type(element_type(from.dtype));
  for (const OnnxSide& side : from.shape) {
    auto& dimension = *type.mutable_shape()->add_dim();
    if (const auto* number = std::get_if<std::int64_t>(&side)) {
      dimension.set_dim_value(*number);
    } else {
      dimension.set_dim_param(std::get<std::string>(side));
    }
  }
}

OnnxValue read_value(const onnx::ValueInfo& from) {
  const auto& type = from.type().tensor_type();
  OnnxValue value{from.name(), dtype_of(type.elem_type()), {}};
  for (const auto& dimension : type.shape().dim()) {
    if (dimension.has_dim_value()) {
      value.shape.emplace_back(dimension.dim_value());
    } else {
      value.shape.emplace_back(dimension.dim_param());
    }
  }
  return value;
}

std::string to_bytes(const OnnxModel& model) {
  constexpr std::int64_t kFirstOpsetOfIr8 = 15;
  onnx::Model message;
  message.set_ir_version(model.outline.opset < kFirstOpsetOfIr8 ? 7 : 8);
  message.set_producer_name("gannet");
  message.set_producer_version(GANNET_VERSION);
  auto& opset = *message.add_opset_import();
  opset.set_domain("");
  opset.set_version(model.outline.opset);
  for (const auto& [key, value] : model.outline.metadata) {
    auto& entry = *message.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  auto& graph = *message.mutable_graph();
  graph.set_name("gannet");
  for (const OnnxValue& value : model.outline.inputs) write_value(value, *graph.add_input());
  for (const OnnxValue& value : model.outline.outputs) write_value(value, *graph.add_output());
  for (const OnnxNode& node : model.nodes) write_node(node, *graph.add_node());
  for (const auto& [name, tensor] : model.constants)
    write_tensor(tensor, name, *graph.add_initializer());
  if (message.ByteSizeLong() > std::size_t{std::numeric_limits<std::int32_t>::max()})
    throw Error(ErrorKind::kCheckpoint, "a model above 2 GB does not fit into an ONNX file");
  return message.SerializeAsString();
}

OnnxOutline outline_of(const std::string& bytes) {
  onnx::Outline message;
  if (!message.ParseFromString(bytes) || message.opset_import().empty() || !message.has_graph())
    throw Error(ErrorKind::kCheckpoint, "is not an ONNX file");
  OnnxOutline outline;
  for (const auto& opset : message.opset_import())
    if (opset.domain().empty() || opset.domain() == "ai.onnx") outline.opset = opset.version();
  for (const auto& value : message.graph().input()) outline.inputs.push_back(read_value(value));
  for (const auto& value : message.graph().output()) outline.outputs.push_back(read_value(value));
  for (const auto& entry : message.metadata_props()) outline.metadata[entry.key()] = entry.value();
  return outline;
}

}  // namespace

void save_onnx(const std::filesystem::path& path, const OnnxModel& model) {
  write_file_atomically(path, to_bytes(model));
}

OnnxOutline parse_onnx_outline(const std::string& bytes, const std::filesystem::path& path) {
  try {
    return outline_of(bytes);
  } catch (const Error& error) {
    throw Error(error.kind(), error.message(), {path.string(), 0, {}}, error.advice());
  }
}

OnnxOutline read_onnx_outline(const std::filesystem::path& path) {
  return parse_onnx_outline(read_file(path), path);
}

}  // namespace gannet
