#include "gannet/nn/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "gannet/core/error.h"

namespace gannet {
namespace {

/// Typed access to the arguments of a layer, with defaults for those left out.
class Args {
 public:
  Args(const LayerPlan& layer, const std::string& file) : layer_(layer), file_(file) {}

  std::int64_t integer(std::size_t i, std::int64_t fallback) const {
    const auto* arg = find(i);
    if (arg == nullptr) return fallback;
    if (const auto* value = std::get_if<std::int64_t>(&arg->value)) return *value;
    fail(i, "a whole number");
  }
  bool boolean(std::size_t i, bool fallback) const {
    const auto* arg = find(i);
    if (arg == nullptr) return fallback;
    if (const auto* value = std::get_if<bool>(&arg->value)) return *value;
    fail(i, "True or False");
  }
  double number(std::size_t i, double fallback) const {
    const auto* arg = find(i);
    if (arg == nullptr) return fallback;
    if (const auto* value = std::get_if<double>(&arg->value)) return *value;
    return static_cast<double>(integer(i, 0));
  }
  std::string text(std::size_t i, const std::string& fallback) const {
    const auto* arg = find(i);
    if (arg == nullptr) return fallback;
    if (const auto* value = std::get_if<std::string>(&arg->value)) return *value;
    fail(i, "text");
  }
  std::vector<std::int64_t> integers(std::size_t i, std::vector<std::int64_t> fallback) const {
    const auto* arg = find(i);
    if (arg == nullptr) return fallback;
    const auto* list = std::get_if<ModelArg::List>(&arg->value);
    if (list == nullptr) fail(i, "a list of whole numbers");
    std::vector<std::int64_t> values;
    for (const ModelArg& item : *list) {
      const auto* value = std::get_if<std::int64_t>(&item.value);
      if (value == nullptr) fail(i, "a list of whole numbers");
      values.push_back(*value);
    }
    return values;
  }
  Pair pair(std::size_t i, std::int64_t fallback) const {
    const auto* arg = find(i);
    if (arg == nullptr || !std::holds_alternative<ModelArg::List>(arg->value))
      return square(integer(i, fallback));
    const auto values = integers(i, {});
    if (values.size() != 2) fail(i, "one or two whole numbers");
    return {values[0], values[1]};
  }

  /// The arguments c1, c2, k, s of a convolution.
  ConvOptions conv() const {
    return {.in = integer(0, 0), .out = integer(1, 0), .kernel = pair(2, 1), .stride = pair(3, 1)};
  }
  /// The same followed by padding and groups.
  ConvOptions padded_conv() const {
    ConvOptions options = conv();
    if (find(4) != nullptr) options.padding = pair(4, 0);
    options.groups = integer(5, 1);
    return options;
  }

 private:
  const ModelArg* find(std::size_t i) const {
    if (i >= layer_.args.size() || std::holds_alternative<std::monostate>(layer_.args[i].value))
      return nullptr;
    return &layer_.args[i];
  }
  [[noreturn]] void fail(std::size_t i, const char* expected) const {
    throw Error(ErrorKind::kConfig,
                fmt::format("argument {} of {} must be {}", i, layer_.module, expected),
                {file_, layer_.line, {}});
  }

  const LayerPlan& layer_;
  const std::string& file_;
};

using MakeBlock = std::shared_ptr<Block> (*)(const Args&, const BlockStyle&, Generation);

CspOptions csp_options(const Args& a) {
  return {.in = a.integer(0, 0),
          .out = a.integer(1, 0),
          .repeats = a.integer(2, 1),
          .shortcut = a.boolean(3, true),
          .groups = a.integer(4, 1),
          .expansion = a.number(5, 0.5)};
}

std::shared_ptr<Block> make_c3(const Args& a, const BlockStyle& style, Generation generation) {
  CspOptions options = csp_options(a);
  if (generation == Generation::kRelease7) return std::make_shared<C3>(options, style);
  options.cross_convolutions = true;  // at this commit the name meant CSP with cross convolutions
  return std::make_shared<BottleneckCsp>(options, style);
}

std::shared_ptr<Block> make_conv(const Args& a, const BlockStyle& style, Generation) {
  ConvOptions options = a.padded_conv();
  options.activation = a.boolean(6, true);
  return std::make_shared<ConvBnAct>(options, style);
}

std::shared_ptr<Block> make_depthwise_layer(const Args& a, const BlockStyle& style, Generation) {
  ConvOptions options = a.conv();
  options.activation = a.boolean(4, true);
  return make_depthwise(options, style);
}

std::shared_ptr<Block> make_plain_conv(const Args& a, const BlockStyle&, Generation) {
  ConvOptions options = a.conv();
  options.padding = a.pair(4, 0);
  return std::make_shared<PlainConv>(options);
}

std::shared_ptr<Block> make_bottleneck(const Args& a, const BlockStyle& style, Generation) {
  return std::make_shared<Bottleneck>(BottleneckOptions{.in = a.integer(0, 0),
                                                        .out = a.integer(1, 0),
                                                        .shortcut = a.boolean(2, true),
                                                        .groups = a.integer(3, 1),
                                                        .expansion = a.number(4, 0.5)},
                                      style);
}

std::shared_ptr<Block> make_cross_conv(const Args& a, const BlockStyle& style, Generation) {
  return std::make_shared<CrossConv>(CrossConvOptions{.in = a.integer(0, 0),
                                                      .out = a.integer(1, 0),
                                                      .kernel = a.integer(2, 3),
                                                      .stride = a.integer(3, 1),
                                                      .groups = a.integer(4, 1),
                                                      .expansion = a.number(5, 1.0),
                                                      .shortcut = a.boolean(6, false)},
                                     style);
}

struct LayerRow {
  const char* module;
  MakeBlock make;
};

// One row a module name; the names and their channel rules are in config/model_plan.cpp.
constexpr LayerRow kLayers[] = {
    {"Conv", make_conv},
    {"DWConv", make_depthwise_layer},
    {"nn.Conv2d", make_plain_conv},
    {"Bottleneck", make_bottleneck},
    {"BottleneckCSP",
     [](const Args& a, const BlockStyle& s, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<BottleneckCsp>(csp_options(a), s);
     }},
    {"C3", make_c3},
    {"CrossConv", make_cross_conv},
    {"SPP",
     [](const Args& a, const BlockStyle& s, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<Spp>(a.integer(0, 0), a.integer(1, 0), a.integers(2, {5, 9, 13}), s);
     }},
    {"SPPF",
     [](const Args& a, const BlockStyle& s, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<Sppf>(a.integer(0, 0), a.integer(1, 0), a.integer(2, 5), s);
     }},
    {"Focus",
     [](const Args& a, const BlockStyle& s, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<Focus>(a.padded_conv(), s);
     }},
    {"MixConv2d",
     [](const Args& a, const BlockStyle& s, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<MixConv>(
           ConvOptions{.in = a.integer(0, 0), .out = a.integer(1, 0), .stride = a.pair(3, 1)},
           a.integers(2, {1, 3}), a.boolean(4, true), s);
     }},
    {"GhostConv",
     [](const Args& a, const BlockStyle& s, Generation) -> std::shared_ptr<Block> {
       ConvOptions o = a.conv();
       o.groups = a.integer(4, 1);
       return std::make_shared<GhostConv>(o, s);
     }},
    {"GhostBottleneck",
     [](const Args& a, const BlockStyle& s, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<GhostBottleneck>(a.integer(0, 0), a.integer(1, 0), a.integer(2, 3),
                                                a.integer(3, 1), s);
     }},
    {"nn.BatchNorm2d",
     [](const Args& a, const BlockStyle& s, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<PlainNorm>(a.integer(0, 0), s);
     }},
    {"nn.Upsample",
     [](const Args& a, const BlockStyle&, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<Upsample>(a.integer(1, 2), a.text(2, "nearest"));
     }},
    {"Concat",
     [](const Args& a, const BlockStyle&, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<Concat>(a.integer(0, 1));
     }},
    {"Sum",
     [](const Args& a, const BlockStyle&, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<Sum>(a.integer(0, 2), a.boolean(1, false));
     }},
    {"Flatten",
     [](const Args&, const BlockStyle&, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<Flatten>();
     }},
    {"Classify",
     [](const Args& a, const BlockStyle&, Generation) -> std::shared_ptr<Block> {
       return std::make_shared<Classify>(a.padded_conv());
     }},
};

std::shared_ptr<Block> make_one(const LayerPlan& layer, Generation generation,
                                const std::string& file) {
  const BlockStyle& style = generation == Generation::kRelease7 ? kStyleRelease7 : kStyleJuly2020;
  for (const LayerRow& row : kLayers) {
    if (layer.module == row.module) return row.make(Args(layer, file), style, generation);
  }
  throw Error(ErrorKind::kInternal, fmt::format("no layer is made for module '{}'", layer.module),
              {file, layer.line, {}});
}

}  // namespace

std::shared_ptr<Block> make_layer(const LayerPlan& layer, Generation generation,
                                  const std::string& file) {
  if (layer.repeats == 1) return make_one(layer, generation, file);
  auto chain = std::make_shared<Chain>();
  for (int i = 0; i < layer.repeats; ++i) {
    auto block = std::dynamic_pointer_cast<UnaryBlock>(make_one(layer, generation, file));
    if (!block)
      throw Error(ErrorKind::kConfig, fmt::format("{} cannot be repeated", layer.module),
                  {file, layer.line, {}});
    chain->append(std::move(block));
  }
  return chain;
}

bool has_layer(const std::string& module) {
  return std::any_of(std::begin(kLayers), std::end(kLayers),
                     [&](const auto& row) { return module == row.module; });
}

}  // namespace gannet
