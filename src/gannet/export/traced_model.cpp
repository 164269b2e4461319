// B images, A anchors per cell, H W grid rows and columns, V values of an anchor, N boxes.
#include "gannet/export/traced_model.h"

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

#include "gannet/core/error.h"

namespace gannet {
namespace {

namespace jit = torch::jit;

/// "model.0.conv.weight" -> "model_0_conv_weight": an attribute's name has no dots.
std::string attribute_name(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

/// The recorder knows the weights by being the same tensors.
jit::Module module_with_weights(const DetectionModel& model) {
  jit::Module module("__torch__.Gannet");
  const auto parameters = model.named_parameters();
  for (const auto& [name, tensor] : state_dict(model)) {
    if (!tensor.is_floating_point() || name.find("anchor") != std::string::npos) continue;
    const std::string attribute = attribute_name(name);
    GANNET_CHECK(!module.hasattr(attribute), "two tensors have one name");
    module.register_parameter(attribute, tensor, /*is_buffer=*/!parameters.contains(name));
  }
  return module;
}

/// Weights are read from float16 attributes and widened.
void store_as_half(jit::Module& module, jit::Graph& graph) {
  for (jit::Node* node : graph.nodes()) {
    if (node->kind() != c10::prim::GetAttr) continue;
    jit::Value* stored = node->output();
    jit::Node* widen = graph.create(
        c10::aten::to, {stored, graph.insertConstant(static_cast<int>(torch::kFloat32)),
                        graph.insertConstant(false), graph.insertConstant(false),
                        graph.insertConstant(c10::IValue())});
    widen->insertAfter(node);
    for (std::size_t i = 1; i < widen->inputs().size(); ++i)
      widen->input(i)->node()->moveBefore(widen);
    widen->output()->setType(stored->type());
    stored->replaceAllUsesAfterNodeWith(widen, widen->output());
    stored->setType(c10::TensorType::get());
    const std::string& name = node->s(c10::attr::name);
    module.setattr(name, module.attr(name).toTensor().to(torch::kFloat16));
  }
}

/// The three parts of a level that boxes are decoded with, each as rows of all its cells.
struct LevelGrid {
  torch::Tensor offset_BN2, scale_1N2, four_anchors_1N2;
};

LevelGrid level_grid(const torch::Tensor& raw_BAHWV, const HeadSpec& spec, std::size_t level) {
  const double stride = spec.strides[level];
  std::vector<float> sides;
  for (const auto& anchor : spec.anchors_px[level])
    for (const float side : anchor) sides.push_back(4 * side);
  const auto four_anchors = torch::tensor(sides).reshape({1, -1, 1, 1, 2});
  // OpenCV 4.6 repeats a constant factor over a batch, but a constant term wrongly: that is given
  // for each image.
  const auto column = torch::ones_like(raw_BAHWV.slice(4, 0, 1));
  const auto grid = torch::cat({column.cumsum(3), column.cumsum(2)}, 4);        // counts from 1
  const auto ones = torch::ones_like(raw_BAHWV.slice(0, 0, 1).slice(4, 0, 2));  // (1, A, H, W, 2)
  return {((grid - 1.5) * stride).flatten(1, 3), (ones * (2 * stride)).flatten(1, 3),
          (ones * four_anchors).flatten(1, 3)};
}

}  // namespace

torch::Tensor decode_any_size(const std::vector<torch::Tensor>& raw, const HeadSpec& spec) {
  std::vector<torch::Tensor> rows, offsets, scales, anchors;
  for (std::size_t level = 0; level < raw.size(); ++level) {
    rows.push_back(raw[level].flatten(1, 3));
    const LevelGrid grid = level_grid(raw[level], spec, level);
    offsets.push_back(grid.offset_BN2);
    scales.push_back(grid.scale_1N2);
    anchors.push_back(grid.four_anchors_1N2);
  }
  const auto y = torch::cat(rows, 1).sigmoid();
  const auto wh = y.slice(2, 2, 4);
  return torch::cat({y.slice(2, 0, 2) * torch::cat(scales, 1) + torch::cat(offsets, 1),
                     wh * wh * torch::cat(anchors, 1), y.slice(2, 4)},
                    2);
}

jit::Module trace_model(DetectionModel& model, const torch::Tensor& images, TracedOutput output,
                        bool half) {
  const torch::NoGradGuard no_grad;
  for (const torch::Tensor& parameter : model.parameters()) parameter.requires_grad_(false);
  jit::Module module = module_with_weights(model);
  const auto compute = [&](jit::Stack inputs) -> jit::Stack {
    const auto raw = model.forward(inputs.at(0).toTensor());
    if (output == TracedOutput::kDecoded) return {decode_any_size(raw, model.head())};
    return {c10::ivalue::Tuple::create(std::vector<c10::IValue>(raw.begin(), raw.end()))};
  };
  const auto no_names = [](const torch::autograd::Variable&) { return std::string(); };
  constexpr bool kStrict = true, kWithoutInPlace = true;
  const auto traced = jit::tracer::trace({images}, compute, no_names, kStrict, kWithoutInPlace,
                                         &module, {"images"});
  const auto graph = traced.first->graph;
  if (half) store_as_half(module, *graph);
  const c10::QualifiedName method(*module.type()->name(), "forward");
  module.type()->addMethod(module._ivalue()->compilation_unit()->create_function(method, graph));
  return module;
}

}  // namespace gannet
