// From the rows of a model file to layers with all numbers known (RB 2.1, with Q42 and Q43
// corrected).
#include <fmt/format.h>

#include <algorithm>

#include "gannet/config/model_description.h"
#include "gannet/core/error.h"
#include "gannet/core/numeric.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

/// How a module's channels and arguments follow from its row.
enum class Rule {
  kChannels,       // args[0] is scaled by width; input channels go in front
  kRepeatsInside,  // the same, and the repeat count becomes the third argument
  kNorm,           // argument is the channel count
  kConcat,
  kDetect,
  kKeep,  // arguments as written, channels unchanged
};

struct ModuleRow {
  const char* name;
  Rule rule;
  int stride_arg = -1;  // which resolved argument is the stride
  double fixed_stride = 1;
};

// The grammar of model files; what computes a module is in nn/layers.cpp, which must know the same.
constexpr ModuleRow kModules[] = {
    {"nn.Conv2d", Rule::kChannels, 3},
    {"Conv", Rule::kChannels, 3},
    {"DWConv", Rule::kChannels, 3},
    {"Bottleneck", Rule::kChannels},
    {"BottleneckCSP", Rule::kRepeatsInside},
    {"C3", Rule::kRepeatsInside},
    {"SPP", Rule::kChannels},
    {"SPPF", Rule::kChannels},
    {"Focus", Rule::kChannels, 3, 2},
    {"CrossConv", Rule::kChannels, 3},
    {"MixConv2d", Rule::kChannels, 3},
    {"GhostConv", Rule::kChannels, 3},
    {"GhostBottleneck", Rule::kChannels, 3},
    {"Classify", Rule::kChannels},
    {"nn.BatchNorm2d", Rule::kNorm},
    {"nn.Upsample", Rule::kKeep},
    {"Concat", Rule::kConcat},
    {"Sum", Rule::kKeep},
    {"Flatten", Rule::kKeep},
    {"Detect", Rule::kDetect},
};

const ModuleRow& find_module(const LayerRow& row, const std::string& file) {
  for (const ModuleRow& module : kModules) {
    if (row.module == module.name) return module;
  }
  throw Error(ErrorKind::kConfig, fmt::format("unknown module '{}'", row.module),
              {file, row.line, {}},
              fmt::format("did you mean '{}'?", nearest_name(row.module, module_names())));
}

class Planner {
 public:
  Planner(const ModelDescription& description, int num_classes, int in_channels)
      : description_(description), in_channels_(in_channels) {
    plan_.num_classes = num_classes > 0 ? num_classes : description.num_classes;
    plan_.generation = description.generation;
    plan_.anchors_px = description.anchors_px;
    head_channels_ =
        static_cast<std::int64_t>(description.anchors_px.front().size()) * (plan_.num_classes + 5);
  }

  ModelPlan run() {
    for (const LayerRow& row : description_.layers) plan_.layers.push_back(plan_layer(row));
    const bool has_head = !plan_.layers.empty() && plan_.layers.back().module == "Detect";
    if (!has_head)
      fail("the last layer must be Detect",
           description_.layers.empty() ? 0 : description_.layers.back().line);
    collect_save_list();
    return std::move(plan_);
  }

 private:
  [[noreturn]] void fail(const std::string& what, int line) const {
    throw Error(ErrorKind::kConfig, what, {description_.file, line, {}});
  }

  int channels(int layer) const {
    return layer < 0 ? in_channels_ : plan_.layers[static_cast<std::size_t>(layer)].out_channels;
  }
  double stride(int layer) const {
    return layer < 0 ? 1 : plan_.layers[static_cast<std::size_t>(layer)].stride;
  }

  std::vector<int> inputs_of(const LayerRow& row, const std::vector<int>& from) const {
    const int index = static_cast<int>(plan_.layers.size());
    std::vector<int> inputs;
    for (const int source : from) {
      const int absolute = source < 0 ? index + source : source;
      const bool is_image = index == 0 && source == -1;
      if (!is_image && (absolute < 0 || absolute >= index))
        fail(fmt::format("layer {} takes its input from {}, which is not an earlier layer", index,
                         source),
             row.line);
      inputs.push_back(absolute);
    }
    return inputs;
  }

  // Plain convolutions as wide as the head, newest first (RB 2.6; marked by their kind, Q42).
  std::vector<int> find_head_inputs(const LayerRow& row) const {
    std::vector<int> found;
    for (int i = static_cast<int>(plan_.layers.size()) - 1; i >= 0; --i) {
      const LayerPlan& layer = plan_.layers[static_cast<std::size_t>(i)];
      if (layer.module == "nn.Conv2d" && layer.out_channels == head_channels_) found.push_back(i);
    }
    if (found.empty()) fail("Detect finds no output convolution", row.line);
    if (found.front() == static_cast<int>(plan_.layers.size()) - 1) found.front() = -1;
    return found;
  }

  ModelArg resolve(const ModelArg& arg) const {
    if (const auto* list = std::get_if<ModelArg::List>(&arg.value)) {
      ModelArg::List resolved;
      for (const ModelArg& item : *list) resolved.push_back(resolve(item));
      return {resolved};
    }
    const auto* symbol = std::get_if<ModelSymbol>(&arg.value);
    if (symbol == nullptr) return arg;
    switch (*symbol) {
      case ModelSymbol::kNumClasses:
        return {std::int64_t{plan_.num_classes}};
      case ModelSymbol::kNumAnchors:
        return {static_cast<std::int64_t>(plan_.anchors_px.front().size())};
      case ModelSymbol::kHeadChannels:
        return {head_channels_};
      default:
        return anchors_arg();
    }
  }

  ModelArg anchors_arg() const {
    ModelArg::List rows;
    for (const auto& level : plan_.anchors_px) {
      ModelArg::List row;
      for (const auto& pair : level) {
        for (const float side : pair) {
          const auto whole = static_cast<std::int64_t>(side);
          row.push_back(static_cast<float>(whole) == side ? ModelArg{whole}
                                                          : ModelArg{static_cast<double>(side)});
        }
      }
      rows.push_back({row});
    }
    return {rows};
  }

  LayerPlan plan_layer(const LayerRow& row) const {
    const ModuleRow& module = find_module(row, description_.file);
    LayerPlan layer;
    layer.index = static_cast<int>(plan_.layers.size());
    layer.module = row.module;
    layer.line = row.line;
    layer.from =
        row.from.empty() && module.rule == Rule::kDetect ? find_head_inputs(row) : row.from;
    layer.inputs = inputs_of(row, layer.from);
    if (layer.inputs.empty()) fail("'from' is empty", row.line);
    layer.repeats = row.number > 1
                        ? static_cast<int>(std::max<std::int64_t>(
                              round_half_even(row.number * description_.depth_multiple), 1))
                        : row.number;
    for (const ModelArg& arg : row.args) layer.args.push_back(resolve(arg));
    layer.out_channels = channels(layer.inputs.front());
    layer.stride = stride(layer.inputs.front());
    apply_rule(module, row, layer);
    return layer;
  }

  void apply_rule(const ModuleRow& module, const LayerRow& row, LayerPlan& layer) const {
    switch (module.rule) {
      case Rule::kChannels:
      case Rule::kRepeatsInside:
        scale_channels(row, layer);
        if (module.rule == Rule::kRepeatsInside) {
          layer.args.insert(layer.args.begin() + 2, ModelArg{std::int64_t{layer.repeats}});
          layer.repeats = 1;
        }
        for (int i = 0; i < layer.repeats; ++i)
          layer.stride *= module.fixed_stride * stride_arg(module, row, layer);
        break;
      case Rule::kNorm:
        layer.args = {ModelArg{std::int64_t{layer.out_channels}}};
        break;
      case Rule::kConcat:
        layer.out_channels = 0;
        for (const int input : layer.inputs) {
          layer.out_channels += channels(input);
          if (stride(input) != layer.stride)
            fail("Concat joins layers of different grid sizes", row.line);
        }
        break;
      case Rule::kDetect:
        plan_head(row, layer);
        break;
      case Rule::kKeep:
        if (row.module == "nn.Upsample") layer.stride /= upsample_factor(row, layer);
        break;
    }
  }

  void scale_channels(const LayerRow& row, LayerPlan& layer) const {
    const auto* wanted =
        layer.args.empty() ? nullptr : std::get_if<std::int64_t>(&layer.args.front().value);
    if (wanted == nullptr || *wanted < 1)
      fail("the first argument must be the number of output channels", row.line);
    std::int64_t out = *wanted;
    if (out != head_channels_)
      out = ceil_to_multiple(static_cast<double>(out) * description_.width_multiple, 8);
    layer.args.front() = {out};
    layer.args.insert(layer.args.begin(), ModelArg{std::int64_t{layer.out_channels}});
    layer.out_channels = static_cast<int>(out);
  }

  double stride_arg(const ModuleRow& module, const LayerRow& row, const LayerPlan& layer) const {
    if (module.stride_arg < 0 || static_cast<std::size_t>(module.stride_arg) >= layer.args.size())
      return 1;
    const auto* value =
        std::get_if<std::int64_t>(&layer.args[static_cast<std::size_t>(module.stride_arg)].value);
    if (value == nullptr || *value < 1)
      fail("the stride must be a positive whole number", row.line);
    return static_cast<double>(*value);
  }

  double upsample_factor(const LayerRow& row, const LayerPlan& layer) const {
    const auto* factor =
        layer.args.size() < 2 ? nullptr : std::get_if<std::int64_t>(&layer.args[1].value);
    if (factor == nullptr || *factor < 1)
      fail("nn.Upsample needs [None, factor, 'nearest']", row.line);
    return static_cast<double>(*factor);
  }

  void plan_head(const LayerRow& row, LayerPlan& layer) const {
    if (layer.inputs.size() != plan_.anchors_px.size())
      fail(fmt::format("Detect has {} inputs for {} rows of anchors", layer.inputs.size(),
                       plan_.anchors_px.size()),
           row.line);
    if (plan_.generation == Generation::kRelease7) {
      ModelArg::List widths;
      for (const int input : layer.inputs) widths.push_back({std::int64_t{channels(input)}});
      layer.args.push_back({widths});
      return;
    }
    for (const int input : layer.inputs) {
      if (channels(input) != head_channels_)
        fail(fmt::format("Detect input {} has {} channels, not {}", input, channels(input),
                         head_channels_),
             row.line);
      if (input < 0 || plan_.layers[static_cast<std::size_t>(input)].module != "nn.Conv2d")
        fail(fmt::format("Detect input {} is not an nn.Conv2d, as models of this version have it",
                         input),
             row.line);
    }
  }

  void collect_save_list() {
    for (const LayerPlan& layer : plan_.layers) {
      for (std::size_t i = 0; i < layer.from.size(); ++i) {
        if (layer.from[i] != -1) plan_.save.push_back(layer.inputs[i]);
      }
    }
    std::sort(plan_.save.begin(), plan_.save.end());
    plan_.save.erase(std::unique(plan_.save.begin(), plan_.save.end()), plan_.save.end());
  }

  const ModelDescription& description_;
  int in_channels_;
  std::int64_t head_channels_ = 0;
  ModelPlan plan_;
};

}  // namespace

std::vector<std::string> module_names() {
  std::vector<std::string> names;
  for (const ModuleRow& module : kModules) names.emplace_back(module.name);
  return names;
}

ModelPlan plan_model(const ModelDescription& description, int num_classes, int in_channels) {
  return Planner(description, num_classes, in_channels).run();
}

}  // namespace gannet
