#include "gannet/nn/checkpoint.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gannet/core/error.h"
#include "gannet/io/safetensors.h"
#include "gannet/io/torch_file.h"
#include "gannet/ops/stored_tensor.h"

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
      for (const Value& item : value.as_list())
        text += (text.size() > 1 ? ", " : "") + to_yaml(item);
      return text + "]";
    }
    default:
      throw Error(ErrorKind::kCheckpoint,
                  fmt::format("the model description holds a {}", value.kind_name()));
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
      if (value.is_tensor())
        state.emplace_back(prefix + name.as_string(), to_tensor(value.as_tensor()));
  }
  const Value* children = module.find("_modules");
  if (children == nullptr || !children->is_dict()) return;
  for (const auto& [name, child] : children->as_dict())
    if (!child.is_none()) collect_module(child, prefix + name.as_string() + ".", state);
}

StateDict to_state_dict(const SafeTensors& content) {
  StateDict state;
  for (const auto& [name, tensor] : content.tensors) state.emplace_back(name, to_tensor(tensor));
  return state;
}

const Value& state_of(const Value& root, WeightsChoice choice = WeightsChoice::kAveraged) {
  const Value* ema = choice == WeightsChoice::kAveraged ? root.find("ema") : nullptr;
  return ema != nullptr && ema->find("model") != nullptr ? ema->at("model") : root.at("model");
}

/// The network inside a file of the original. In July 2020 only its average was saved, as `model`.
const Value* original_module(const Value& root, WeightsChoice choice = WeightsChoice::kAveraged) {
  const bool averaged = choice == WeightsChoice::kAveraged;
  for (const char* key : {averaged ? "ema" : "model", averaged ? "model" : "ema"}) {
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

LoadedModel build(const std::string& yaml, const std::string& path, const StateDict& state,
                  const Value* names, int epoch) {
  LoadedModel loaded;
  const auto description = parse_model_description(yaml, path);
  loaded.names = read_names(names);
  const int num_classes =
      loaded.names.empty() ? description.num_classes : static_cast<int>(loaded.names.size());
  loaded.model = std::make_shared<DetectionModel>(
      description, ModelOptions{.num_classes = num_classes, .draw_weights = false});
  const TransferReport report = load_state(*loaded.model, state, false);
  if (!report.missing.empty() || !report.mismatched.empty())
    throw Error(ErrorKind::kCheckpoint,
                "the weights do not fit their own model: " + report.summary(), {path, 0, {}});
  loaded.model->eval();
  loaded.epoch = epoch;
  for (int id = static_cast<int>(loaded.names.size()); id < num_classes; ++id)
    loaded.names.push_back(std::to_string(id));
  return loaded;
}

[[noreturn]] void refuse_without_description(const std::string& path) {
  throw Error(ErrorKind::kCheckpoint, "holds tensors but no model description", {path, 0, {}},
              "use it with train --cfg MODEL --weights");
}

void check_version(std::int64_t version, const std::string& path) {
  if (version > kCheckpointVersion)
    throw Error(ErrorKind::kCheckpoint, "was written by a newer version of gannet", {path, 0, {}});
}

/// An entry of our metadata as JSON of the kind of `fallback`, which stands for a missing one.
nlohmann::json read_metadata(const SafeTensors& content, const char* key, nlohmann::json fallback) {
  const auto found = content.metadata.find(key);
  if (found == content.metadata.end()) return fallback;
  auto value = nlohmann::json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  if (value.type() == fallback.type()) return value;
  throw Error(ErrorKind::kCheckpoint, "the metadata are malformed", {{}, 0, key});
}

std::vector<std::string> names_of(const SafeTensors& content) {
  std::vector<std::string> names;
  for (const auto& name : read_metadata(content, "names", nlohmann::json::array())) {
    if (!name.is_string())
      throw Error(ErrorKind::kCheckpoint, "the metadata are malformed", {{}, 0, "names"});
    names.push_back(name.get<std::string>());
  }
  return names;
}

/// Names and description only where the metadata are ours.
LoadedWeights weights_of(const SafeTensors& content) {
  const auto format = content.metadata.find("format"), yaml = content.metadata.find("model_yaml");
  LoadedWeights weights{to_state_dict(content), {}, {}};
  if (format == content.metadata.end() || format->second != "gannet" ||
      yaml == content.metadata.end())
    return weights;
  weights.names = names_of(content);
  weights.model_yaml = yaml->second;
  return weights;
}

LoadedModel load_safetensors_model(const std::string& path) {
  const SafeTensors content = load_safetensors(path);
  const LoadedWeights weights = weights_of(content);
  if (weights.model_yaml.empty()) refuse_without_description(path);
  check_version(read_metadata(content, "version", 1U).get<std::int64_t>(), path);
  Value names = Value::list();
  for (const std::string& name : weights.names) names.append(name);
  return build(weights.model_yaml, path, weights.state, &names, -1);
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

std::map<std::string, std::string> model_metadata(const DetectionModel& model,
                                                  const std::vector<std::string>& names) {
  nlohmann::json anchors = nlohmann::json::array();
  for (const auto& level : model.head().anchors_px) {
    anchors.push_back(nlohmann::json::array());
    for (const auto& anchor : level)
      for (const float side : anchor) anchors.back().push_back(side);
  }
  return {{"format", "gannet"},
          {"version", std::to_string(kCheckpointVersion)},
          {"model_yaml", model.description().text},
          {"names",
           nlohmann::json(names).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)},
          {"stride", nlohmann::json(model.head().strides).dump()},
          {"anchors", anchors.dump()}};
}

LoadedModel load_model(const std::string& path) {
  return with_path(path, [&] {
    if (path.ends_with(".safetensors")) return load_safetensors_model(path);
    const Value root = load_torch_file(path);
    if (is_ours(root)) {
      check_version(root.int_at("version"), path);
      const Value* epoch = root.find("epoch");
      LoadedModel loaded =
          build(root.string_at("model_yaml"), path, to_state_dict(state_of(root)),
                root.find("names"), epoch == nullptr ? -1 : static_cast<int>(epoch->as_int()));
      if (root.find("confidence") != nullptr) loaded.confidence = root.double_at("confidence");
      return loaded;
    }
    const Value* module = original_module(root);
    if (module == nullptr) refuse_without_description(path);
    StateDict state;
    collect_module(*module, {}, state);
    return build(model_yaml_of_original(*module), path, state, module->find("names"), -1);
  });
}

LoadedWeights load_weights(const std::string& path, WeightsChoice choice) {
  return with_path(path, [&]() -> LoadedWeights {
    if (path.ends_with(".safetensors")) return weights_of(load_safetensors(path));
    const Value root = load_torch_file(path);
    if (is_ours(root)) {
      return {to_state_dict(state_of(root, choice)), read_names(root.find("names")),
              root.string_at("model_yaml")};
    }
    if (const Value* module = original_module(root, choice)) {
      LoadedWeights weights;
      collect_module(*module, {}, weights.state);
      weights.names = read_names(module->find("names"));
      if (module->find("yaml") != nullptr) weights.model_yaml = model_yaml_of_original(*module);
      return weights;
    }
    for (const char* key : {"state_dict", "model"})
      if (const Value* inner = root.find(key); inner != nullptr && inner->is_dict())
        return {to_state_dict(*inner), {}, {}};
    return {to_state_dict(root), {}, {}};
  });
}

}  // namespace gannet
