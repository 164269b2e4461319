// A model as a graph of torch's operators, recorded while it runs once: what the formats that hold
// a whole network are made from. So no block describes itself twice, and a new one needs nothing
// here.
#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "gannet/nn/model.h"

namespace gannet {

/// What a recorded graph gives for images.
enum class TracedOutput {
  kRaw,      // a tuple with each level's logits, (B, A, H, W, classes + 5)
  kDecoded,  // (B, N, classes + 5): cx, cy, w, h px, objectness, classes
};

/// A module whose method forward(images) computes what the model does. Its sizes come from the
/// images, so it takes any batch and any multiple of the stride.
/// @param model fused, in evaluation mode, float32 on the CPU; takes no gradients any more   @param
/// images (B, 3, H, W), for the recording   @param half keeps the weights as float16; they are
/// widened where they are used
torch::jit::Module trace_model(DetectionModel& model, const torch::Tensor& images,
                               TracedOutput output, bool half);

/// As `decode` of nn/detect, written without reading a size. @param raw per level (B, A, H, W, V)
/// @return (B, N, V)
torch::Tensor decode_any_size(const std::vector<torch::Tensor>& raw, const HeadSpec& spec);

}  // namespace gannet
