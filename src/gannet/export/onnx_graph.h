// From a recorded graph of torch's operators to one of ONNX's.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

#include "gannet/export/onnx_builder.h"

namespace gannet {

/// Appends what the module's forward computes; nodes that depend on nothing but constants, and on
/// sizes where these are fixed, become constants.
/// @param module of trace_model   @param dynamic sizes of the images are left free
/// @param outputs names for the results   @return (B, ...) sizes of the results as recorded
/// Throws Error (kConfig) for an operator without a row in the table of onnx_graph.cpp.
std::vector<std::vector<std::int64_t>> append_graph(const torch::jit::Module& module, bool dynamic,
                                                    const std::string& input,
                                                    const std::vector<std::string>& outputs,
                                                    OnnxBuilder& builder);

}  // namespace gannet
