#include "gannet/nn/checkpoint.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>

#include "gannet/core/error.h"
#include "gannet/io/safetensors.h"
#include "gannet/io/torch_file.h"
#include "gannet/ops/tensor_data.h"

namespace gannet {
namespace {

bool is_ours(const Value& root) {
  const Value* format = root.is_dict() ? root.find("format") : nullptr;
  return format != nullptr && format->is_string() && format->as_string() == "gannet";
}

// A Python value as flow YAML, which the model parser reads.
std::string to_yaml(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNone:
      return "None";
    case Value::Kind::kBool:
      return value.as_bool() ? "True" : "False";
    case Value::Kind::kInt:
      return std::to_string(value.as_int());
    case Value::Kind::kFloat:
      return fmt::format("{}", value.as_double());
    case Value::Kind::kString:
      return '"' + value.as_string() + '"';
    case Value::Kind::kList:
    case Value::Kind::kTuple: {
      std::string text = "[";
      for (const Value& item : value.as_list()) text += (text.size() > 1 ? ", " : "") + to_yaml(item);
      return text + "]";
    }
    default:
      throw Error(ErrorKind::kCheckpoint, fmt::format("the model description holds a {}", value.kind_name()));
  }
}

std::string model_yaml_of_original(const Value& model) {
  std::string text;
  const Value& yaml = model.at("yaml");
  for (const char* key : {"nc", "depth_multiple", "width_multiple", "anchors", "backbone", "head"})
    text += fmt::format("{}: {}\n", key, to_yaml(yaml.at(key)));
  return text;
}

// Parameters, buffers and children of a pickled module, by dotted name.
void collect_module(const Value& module, const std::string& prefix, StateDict& state) {
  for (const char* kind : {"_parameters", "_buffers"}) {
    const Value* entries = module.find(kind);
    if (entries == nullptr || !entries->is_dict()) continue;
    for (const auto& [name, value] : entries->as_dict())
      if (value.is_tensor()) state.emplace_back(prefix + name.as_string(), to_tensor(value.as_tensor()));
  }
  const Value* children = module.find("_modules");
  if (children == nullptr || !children->is_dict()) return;
  for (const auto& [name, child] : children->as_dict())
    if (!child.is_none()) collect_module(child, prefix + name.as_string() + ".", state);
}

StateDict read_safetensors_state(const std::string& path) {
  StateDict state;
  for (const auto& [name, tensor] : load_safetensors(path).tensors) state.emplace_back(name, to_tensor(tensor));
  return state;
}

const Value& averaged_state(const Value& root) {
  const Value* ema = root.find("ema");
  return ema != nullptr && ema->find("model") != nullptr ? ema->at("model") : root.at("model");
}

/// The network inside a file of the original: its average where there is one.
const Value* original_module(const Value& root) {
  for (const char* key : {"ema", "model"}) {
    const Value* module = root.is_dict() ? root.find(key) : nullptr;
    if (module != nullptr && module->is_record()) return module;
  }
  return root.is_record() ? &root : nullptr;
}

std::vector<std::string> read_names(const Value* names) {
  std::vector<std::string> result;
  if (names == nullptr) return result;
  if (names->is_sequence()) {
    for (const Value& name : names->as_list()) result.push_back(name.as_string());
  } else if (names->is_dict()) {
    for (const auto& [id, name] : names->as_dict()) result.push_back(name.as_string());
  }
  return result;
}

LoadedModel build(const std::string& yaml, const std::string& path, const StateDict& state, const Value* names, int epoch) {
  LoadedModel loaded;
  const auto description = parse_model_description(yaml, path);
  loaded.names = read_names(names);
  const int num_classes = loaded.names.empty() ? description.num_classes : static_cast<int>(loaded.names.size());
  loaded.model = std::make_shared<DetectionModel>(description, ModelOptions{.num_classes = num_classes});
  const TransferReport report = load_state(*loaded.model, state, false);
  if (!report.missing.empty() || !report.mismatched.empty())
    throw Error(ErrorKind::kCheckpoint, "the weights do not fit their own model: " + report.summary(), {path, 0, {}});
  loaded.model->eval();
  loaded.epoch = epoch;
  for (int id = static_cast<int>(loaded.names.size()); id < num_classes; ++id) loaded.names.push_back(std::to_string(id));
  return loaded;
}

template <class Function>
auto with_path(const std::string& path, Function&& function) {
  try {
    return function();
  } catch (const Error& e) {
    if (e.where().path == path) throw;
    throw Error(e.kind(), e.what(), {path, 0, {}});
  }
}

}  // namespace

Value to_value(const StateDict& state) {
  Value dict = Value::dict();
  for (const auto& [name, tensor] : state) dict.set(name, to_tensor_data(tensor));
  return dict;
}

StateDict to_state_dict(const Value& value) {
  StateDict state;
  for (const auto& [name, tensor] : value.as_dict())
    if (tensor.is_tensor()) state.emplace_back(name.as_string(), to_tensor(tensor.as_tensor()));
  return state;
}

Value model_entries(const DetectionModel& model, const std::vector<std::string>& names, bool half) {
  StateDict state = state_dict(model);
  for (auto& [name, tensor] : state)
    if (half && tensor.is_floating_point()) tensor = tensor.detach().to(torch::kFloat16);
  Value entries = Value::dict();
  entries.set("format", "gannet");
  entries.set("version", kCheckpointVersion);
  entries.set("model", to_value(state));
  entries.set("model_yaml", model.description().text);
  Value list = Value::list(), strides = Value::list(), anchors = Value::list();
  for (const std::string& name : names) list.append(name);
  for (const double stride : model.head().strides) strides.append(stride);
  for (const auto& level : model.head().anchors_px) {
    Value row = Value::list();
    for (const auto& anchor : level)
      for (const float side : anchor) row.append(static_cast<double>(side));
    anchors.append(row);
  }
  entries.set("names", list);
  entries.set("stride", strides);
  entries.set("anchors", anchors);
  return entries;
}

LoadedModel load_model(const std::string& path) {
  if (path.ends_with(".safetensors"))
    throw Error(ErrorKind::kCheckpoint, "holds tensors but no model description", {path, 0, {}}, "use it with train --cfg MODEL --weights");
  return with_path(path, [&] {
    const Value root = load_torch_file(path);
    if (is_ours(root)) {
      if (root.int_at("version") > kCheckpointVersion)
        throw Error(ErrorKind::kCheckpoint, "was written by a newer version of gannet", {path, 0, {}});
      const Value* epoch = root.find("epoch");
      return build(root.string_at("model_yaml"), path, to_state_dict(averaged_state(root)), root.find("names"),
                   epoch == nullptr ? -1 : static_cast<int>(epoch->as_int()));
    }
    const Value* module = original_module(root);
    if (module == nullptr)
      throw Error(ErrorKind::kCheckpoint, "holds tensors but no model description", {path, 0, {}}, "use it with train --cfg MODEL --weights");
    StateDict state;
    collect_module(*module, {}, state);
    return build(model_yaml_of_original(*module), path, state, module->find("names"), -1);
  });
}

StateDict load_weights(const std::string& path) {
  return with_path(path, [&] {
    if (path.ends_with(".safetensors")) return read_safetensors_state(path);
    const Value root = load_torch_file(path);
    if (is_ours(root)) return to_state_dict(averaged_state(root));
    StateDict state;
    if (const Value* module = original_module(root)) {
      collect_module(*module, {}, state);
      return state;
    }
    for (const char* key : {"state_dict", "model"})
      if (const Value* inner = root.find(key); inner != nullptr && inner->is_dict()) return to_state_dict(*inner);
    return to_state_dict(root);
  });
}

}  // namespace gannet
