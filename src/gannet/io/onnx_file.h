// ONNX files: a graph of named operators with its weights (https://onnx.ai), as plain structs. The
// protobuf messages that they are written as stay behind this header.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gannet/io/tensor_data.h"

namespace gannet {

using OnnxAttribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>,
                                   std::vector<float>, TensorData>;

/// An operator of the default domain. An input that is left out is an empty name.
struct OnnxNode {
  std::string op, name;
  std::vector<std::string> inputs, outputs;
  std::vector<std::pair<std::string, OnnxAttribute>> attributes;
};

/// A side of a tensor: a number, or the name of one that is free.
using OnnxSide = std::variant<std::int64_t, std::string>;

/// An input or output of the graph.
struct OnnxValue {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<OnnxSide> shape;
};

/// What a file says about itself.
struct OnnxOutline {
  std::int64_t opset = 0;  // version of the default domain's operators
  std::vector<OnnxValue> inputs, outputs;
  std::map<std::string, std::string> metadata;
};

struct OnnxModel {
  OnnxOutline outline;
  std::vector<OnnxNode> nodes;                                // each after those that it reads from
  std::vector<std::pair<std::string, TensorData>> constants;  // weights by name
};

/// Writes the file, complete or not at all. Throws Error (kCheckpoint) for a model that protobuf
/// cannot hold (2 GB).
void save_onnx(const std::filesystem::path& path, const OnnxModel& model);

/// Reads all but nodes and weights. Throws Error naming the file: kIo, or kCheckpoint where it is
/// no ONNX file.
OnnxOutline read_onnx_outline(const std::filesystem::path& path);

/// The outline of a file's bytes. @param path that errors name
OnnxOutline parse_onnx_outline(const std::string& bytes, const std::filesystem::path& path = {});

}  // namespace gannet
