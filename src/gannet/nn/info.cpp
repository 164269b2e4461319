#include "gannet/nn/info.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include "gannet/config/settings.h"
#include "gannet/nn/checkpoint.h"

namespace gannet {
namespace {

LayerInfo describe_layer(const DetectionModel& model, const LayerPlan& plan) {
  LayerInfo info;
  info.index = plan.index;
  info.from = plan.from.size() == 1 && plan.module != "Detect"
                  ? std::to_string(plan.from.front())
                  : fmt::format("[{}]", fmt::join(plan.from, ", "));
  info.repeats = plan.repeats;
  info.parameters = model.num_parameters(plan.index);
  info.module = plan.module;
  info.arguments = to_string(plan.args);
  return info;
}

}  // namespace

ModelInfo describe_model(const std::string& path, int image_size) {
  const std::string file = find_config(path);
  LoadedModel loaded;
  if (file.ends_with(".yaml") || file.ends_with(".yml")) {
    loaded.model = std::make_shared<DetectionModel>(load_model_description(file), ModelOptions{});
  } else {
    loaded = load_model(file);
  }
  ModelInfo info;
  info.names = loaded.names;
  info.head = loaded.model->head();
  info.image_size = image_size;
  for (const LayerPlan& layer : loaded.model->plan().layers)
    info.layers.push_back(describe_layer(*loaded.model, layer));
  for (const auto& p : loaded.model->parameters()) {
    info.parameters += p.numel();
    ++info.parameter_tensors;
  }
  info.modules = static_cast<std::int64_t>(loaded.model->modules(false).size());
  info.gflops = 2 * count_macs(*loaded.model, image_size, image_size) / 1e9;
  return info;
}

}  // namespace gannet
