// A `.pt` that the original Python program loads as it is: its own classes, by name, with their
// attributes, in the layout of the model's generation (RB 8.5, 8.8).
#include <fmt/format.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <filesystem>

#include "gannet/core/error.h"
#include "gannet/export/formats.h"
#include "gannet/export/yolov5_modules.h"
#include "gannet/io/torch_file.h"
#include "gannet/ops/stored_tensor.h"

namespace gannet {
namespace {

bool is_release7(const DetectionModel& model) {
  return model.plan().generation == Generation::kRelease7;
}

Value whole_or_fraction(float number) {
  const auto whole = static_cast<std::int64_t>(number);
  return static_cast<float>(whole) == number ? Value(whole) : Value(static_cast<double>(number));
}

template <class Items>
Value to_list(const Items& items) {
  Value list = Value::list();
  for (const auto& item : items) list.append(item);
  return list;
}

Value argument(const ModelArg& arg) {
  struct Writer {
    Value operator()(std::monostate) const { return "None"; }
    Value operator()(bool flag) const { return flag; }
    Value operator()(std::int64_t number) const { return number; }
    Value operator()(double number) const { return number; }
    Value operator()(const std::string& text) const { return text; }
    Value operator()(ModelSymbol symbol) const {
      constexpr const char* kNames[] = {"nc", "na", "na * (nc + 5)",
                                        "anchors"};  // in the enumeration's order
      return kNames[static_cast<std::size_t>(symbol)];
    }
    Value operator()(const ModelArg::List& items) const {
      Value list = Value::list();
      for (const ModelArg& item : items) list.append(argument(item));
      return list;
    }
  };
  return std::visit(Writer{}, arg.value);
}

Value layer_row(const LayerRow& row) {
  return Value::list({row.from_is_list ? to_list(row.from) : Value(row.from.front()), row.number,
                      row.module, argument({row.args})});
}

/// What the model file says, as the original keeps it.
Value description_dict(const DetectionModel& model) {
  const ModelDescription& d = model.description();
  Value anchors = Value::list(), backbone = Value::list(), head = Value::list();
  for (const auto& level : d.anchors_px) {
    Value row = Value::list();
    for (const auto& anchor : level)
      for (const float side : anchor) row.append(whole_or_fraction(side));
    anchors.append(row);
  }
  for (std::size_t i = 0; i < d.layers.size(); ++i)
    (i < d.num_backbone_rows ? backbone : head).append(layer_row(d.layers[i]));
  Value yaml = Value::dict({{"nc", model.head().num_classes},
                            {"depth_multiple", d.depth_multiple},
                            {"width_multiple", d.width_multiple},
                            {"anchors", anchors},
                            {"backbone", backbone},
                            {"head", head}});
  if (is_release7(model)) yaml.set("ch", 3);
  return yaml;
}

Value names_value(const LoadedModel& loaded) {
  if (!is_release7(*loaded.model)) return to_list(loaded.names);
  Value names = Value::dict();
  for (std::size_t id = 0; id < loaded.names.size(); ++id) names.set(id, loaded.names[id]);
  return names;
}

Value stride_tensor(const DetectionModel& model) {
  return to_tensor_data(torch::tensor(model.head().strides, torch::kFloat64).to(torch::kFloat32));
}

/// Placeholders of tensors that the head makes when it first sees a picture.
Value no_grids(int num_levels) {
  Value grids = Value::list();
  for (int level = 0; level < num_levels; ++level) grids.append(to_tensor_data(torch::zeros({1})));
  return grids;
}

Value detect_record(const DetectionModel& model, const torch::nn::Module& detect,
                    const Yolov5Style& style) {
  const HeadSpec& head = model.head();
  Value record = make_module("models.yolo.Detect", parts_of(detect, style));
  Value& state = record.as_record().state;
  state.set("stride", stride_tensor(model));
  state.set("nc", head.num_classes);
  state.set("no", head.values_per_anchor());
  state.set("nl", head.num_levels());
  state.set("na", head.anchors_per_level());
  state.set("grid", no_grids(head.num_levels()));
  if (is_release7(model)) {
    state.set("anchor_grid", no_grids(head.num_levels()));
    state.set("inplace", true);
  } else {
    state.set("export", false);
  }
  return record;
}

std::string class_of(const Value& record) { return record.as_record().full_name(); }

/// What the original's parser notes on every layer.
void note_place(const DetectionModel& model, const LayerPlan& layer, Value& record) {
  const bool takes_list =
      model.description().layers[static_cast<std::size_t>(layer.index)].from_is_list;
  const Value type = layer.repeats > 1 ? class_of(record.at("_modules").as_record().entries.at("0"))
                                       : class_of(record);
  Value& state = record.as_record().state;
  state.set("i", layer.index);
  state.set("f", takes_list ? to_list(layer.from) : Value(layer.from.front()));
  state.set("type", type);
  state.set("np", model.num_parameters(layer.index));
}

Value layer_record(const DetectionModel& model, const LayerPlan& layer,
                   const torch::nn::Module& module, const Yolov5Style& style) {
  try {
    Value record = layer.module == "Detect" ? detect_record(model, module, style)
                                            : module_record(module, style);
    note_place(model, layer, record);
    return record;
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::kConfig) throw;
    throw Error(e.kind(), e.message(),
                {{}, 0, fmt::format("layer {}, {}", layer.index, layer.module)},
                "use another format");
  }
}

Value model_record(const LoadedModel& loaded, const Yolov5Style& style) {
  const DetectionModel& model = *loaded.model;
  const auto layers = model.named_children()["model"]->children();
  ModuleParts sequence, parts;
  for (const LayerPlan& layer : model.plan().layers) {
    const auto& module = *layers.at(static_cast<std::size_t>(layer.index));
    sequence.children.set(std::to_string(layer.index), layer_record(model, layer, module, style));
  }
  parts.children.set("model", make_module("torch.nn.modules.container.Sequential", sequence));
  Value record =
      make_module(is_release7(model) ? "models.yolo.DetectionModel" : "models.yolo.Model", parts);
  Value& state = record.as_record().state;
  state.set("yaml_file", std::filesystem::path(model.description().file).stem().string() + ".yaml");
  state.set("yaml", description_dict(model));
  state.set("save", to_list(model.plan().save));
  state.set("names", names_value(loaded));
  state.set("nc", model.head().num_classes);
  state.set("stride", stride_tensor(model));
  state.set("hyp", Value::dict());  // of a training run; the network has none
  if (is_release7(model)) {
    state.set("inplace", true);
  } else {
    state.set("gr", 1.0);
  }
  return record;
}

/// The entries of a finished file, as the original's own stripping leaves them.
Value file_entries(const LoadedModel& loaded, const Yolov5Style& style) {
  Value root = Value::dict({{"epoch", -1},
                            {"best_fitness", {}},
                            {"model", model_record(loaded, style)},
                            {"optimizer", {}}});
  if (style.generation == Generation::kJuly2020) {
    root.set("training_results", {});
    return root;
  }
  for (const char* key : {"ema", "updates", "git", "date"}) root.set(key, {});
  root.set("opt", Value::dict());
  return root;
}

}  // namespace

void write_yolov5(const LoadedModel& loaded, const std::string& path,
                  const ExportOptions& options) {
  const Yolov5Style style{loaded.model->plan().generation, options.half};
  save_torch_file(path, file_entries(loaded, style), PickleClasses::kWrite);
}

}  // namespace gannet
