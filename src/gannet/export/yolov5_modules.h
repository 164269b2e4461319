// Our modules as the instances of Python classes that a file of the original holds (RB 8.5;
// attributes as its own files have them). Records are data: nothing here runs Python.
#pragma once

#include <torch/nn/module.h>

#include <string_view>

#include "gannet/config/model_description.h"
#include "gannet/io/value.h"

namespace gannet {

/// How tensors are stored, and whose classes are meant.
struct Yolov5Style {
  Generation generation = Generation::kJuly2020;
  bool half = false;
};

/// A collections.OrderedDict with these entries.
Value ordered_dict(const Value& entries = Value::dict());

/// A tensor of the state, float16 where the style says so.
Value stored_tensor(const torch::Tensor& tensor, const Yolov5Style& style);

/// The parts that every torch.nn.Module has: dicts by name, in the order of the state.
struct ModuleParts {
  Value parameters = Value::dict(), buffers = Value::dict(), children = Value::dict();
};

/// An instance of a class given by its full name, with the state of an nn.Module in evaluation
/// mode. More attributes can be set on `as_record().state`.
Value make_module(std::string_view full_name, const ModuleParts& parts = {});

/// Parameters (gradients off, as in the original's finished files), buffers and children of a
/// module.
ModuleParts parts_of(const torch::nn::Module& module, const Yolov5Style& style);

/// A block and all below it. Throws Error (kConfig) where the original has no class that computes
/// the same.
Value module_record(const torch::nn::Module& module, const Yolov5Style& style);

}  // namespace gannet
