#include "gannet/export/yolov5_modules.h"

#include <fmt/format.h>
#include <torch/expanding_array.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <optional>

#include "gannet/core/error.h"
#include "gannet/nn/blocks.h"
#include "gannet/ops/stored_tensor.h"

namespace gannet {
namespace {

using Module = torch::nn::Module;

constexpr Record::Form kCall = Record::Form::kCall;

Value pair(std::int64_t height, std::int64_t width) { return Value::tuple({height, width}); }

Value parameter(const torch::Tensor& tensor, const Yolov5Style& style) {
  return Record{"torch._utils",
                "_rebuild_parameter",
                kCall,
                Value::tuple({stored_tensor(tensor, style), false, ordered_dict()}),
                {},
                {}};
}

struct Convolution {
  std::int64_t in, out;
  Pair kernel, stride, padding, dilation;
  std::int64_t groups;
};

void describe_convolution(const Convolution& c, Value& state) {
  state.set("in_channels", c.in);
  state.set("out_channels", c.out);
  state.set("kernel_size", pair(c.kernel[0], c.kernel[1]));
  state.set("stride", pair(c.stride[0], c.stride[1]));
  state.set("padding", pair(c.padding[0], c.padding[1]));
  state.set("dilation", pair(c.dilation[0], c.dilation[1]));
  state.set("transposed", false);
  state.set("output_padding", pair(0, 0));
  state.set("groups", c.groups);
  state.set("padding_mode", "zeros");
  state.set("_reversed_padding_repeated_twice",
            Value::tuple({c.padding[1], c.padding[1], c.padding[0], c.padding[0]}));
}

Pair as_pair(const torch::ExpandingArray<2>& values) { return {values->at(0), values->at(1)}; }

void describe_conv(const Module& module, Value& state) {
  const auto& o = dynamic_cast<const torch::nn::Conv2dImpl&>(module).options;
  describe_convolution(
      {o.in_channels(), o.out_channels(), as_pair(o.kernel_size()), as_pair(o.stride()),
       as_pair(std::get<torch::ExpandingArray<2>>(o.padding())), as_pair(o.dilation()), o.groups()},
      state);
}

void describe_plain_conv(const Module& module, Value& state) {
  const ConvOptions& o = dynamic_cast<const PlainConv&>(module).options();
  describe_convolution(
      {o.in, o.out, o.kernel, o.stride, o.padding.value_or(square(0)), square(1), o.groups}, state);
}

void describe_norm(const torch::nn::BatchNorm2dImpl& norm, Value& state) {
  state.set("num_features", norm.options.num_features());
  state.set("eps", norm.options.eps());
  state.set("momentum", norm.options.momentum().value());
  state.set("affine", true);
  state.set("track_running_stats", true);
}

void describe_upsample(const Module& module, Value& state) {
  const auto& upsample = dynamic_cast<const Upsample&>(module);
  state.set("name", "Upsample");
  state.set("size", {});
  state.set("scale_factor", static_cast<double>(upsample.factor()));
  state.set("mode", upsample.mode());
  state.set("align_corners", {});
  state.set("recompute_scale_factor", {});
}

Value max_pool(std::int64_t kernel) {
  Value pool = make_module("torch.nn.modules.pooling.MaxPool2d");
  Value& state = pool.as_record().state;
  state.set("kernel_size", kernel);
  state.set("stride", 1);
  state.set("padding", kernel / 2);
  state.set("dilation", 1);
  state.set("return_indices", false);
  state.set("ceil_mode", false);
  return pool;
}

Value activation_module(Activation activation) {
  if (activation == Activation::kNone) return make_module("torch.nn.modules.linear.Identity");
  const bool leaky = activation == Activation::kLeakyRelu;
  Value module = make_module(leaky ? "torch.nn.modules.activation.LeakyReLU"
                                   : "torch.nn.modules.activation.SiLU");
  Value& state = module.as_record().state;
  if (leaky) state.set("negative_slope", 0.1);
  state.set("inplace", true);
  return module;
}

std::optional<Activation> activation_after_norm(const Module& module) {
  if (const auto* conv = dynamic_cast<const ConvBnAct*>(&module)) return conv->activation();
  if (const auto* csp = dynamic_cast<const BottleneckCsp*>(&module)) return csp->activation();
  if (const auto* mix = dynamic_cast<const MixConv*>(&module)) return mix->activation();
  return std::nullopt;
}

/// Children that only compute, which our blocks do without.
void add_pools(const Module& module, Value& children) {
  if (const auto* spp = dynamic_cast<const Spp*>(&module)) {
    ModuleParts pools;
    for (const std::int64_t kernel : spp->kernels())
      pools.children.set(std::to_string(pools.children.as_dict().size()), max_pool(kernel));
    children.set("m", make_module("torch.nn.modules.container.ModuleList", pools));
  }
  if (const auto* sppf = dynamic_cast<const Sppf*>(&module))
    children.set("m", max_pool(sppf->kernel()));
}

struct ClassRow {
  bool (*is)(const Module&);
  const char* july2020;  // full names of the classes; null: none that computes the same
  const char* release7;
  void (*describe)(const Module&, Value& state) = nullptr;  // attributes beside those of any module
};

template <class T>
bool is(const Module& module) {
  return dynamic_cast<const T*>(&module) != nullptr;
}

bool is_cross_csp(const Module& module) {
  const auto* csp = dynamic_cast<const BottleneckCsp*>(&module);
  return csp != nullptr && csp->has_cross_convolutions();
}

// The first row that fits. Q59 is corrected in MixConv, so that 7.0's class computes something
// else.
const ClassRow kClasses[] = {
    {is<ConvBnAct>, "models.common.Conv", "models.common.Conv"},
    {is<Bottleneck>, "models.common.Bottleneck", "models.common.Bottleneck",
     [](const Module& m, Value& state) {
       state.set("add", dynamic_cast<const Bottleneck&>(m).adds());
     }},
    {is_cross_csp, "models.experimental.C3", nullptr},
    {is<BottleneckCsp>, "models.common.BottleneckCSP", "models.common.BottleneckCSP"},
    {is<C3>, nullptr, "models.common.C3"},
    {is<CrossConv>, "models.experimental.CrossConv", "models.common.CrossConv",
     [](const Module& m, Value& state) {
       state.set("add", dynamic_cast<const CrossConv&>(m).adds());
     }},
    {is<Spp>, "models.common.SPP", "models.common.SPP"},
    {is<Sppf>, nullptr, "models.common.SPPF"},
    {is<Focus>, "models.common.Focus", "models.common.Focus"},
    {is<MixConv>, "models.experimental.MixConv2d", nullptr},
    {is<GhostConv>, "models.experimental.GhostConv", "models.common.GhostConv"},
    {is<GhostBottleneck>, "models.experimental.GhostBottleneck", "models.common.GhostBottleneck"},
    {is<Concat>, "models.common.Concat", "models.common.Concat",
     [](const Module& m, Value& state) { state.set("d", dynamic_cast<const Concat&>(m).dim()); }},
    {is<torch::nn::Conv2dImpl>, "torch.nn.modules.conv.Conv2d", "torch.nn.modules.conv.Conv2d",
     describe_conv},
    {is<PlainConv>, "torch.nn.modules.conv.Conv2d", "torch.nn.modules.conv.Conv2d",
     describe_plain_conv},
    {is<torch::nn::BatchNorm2dImpl>, "torch.nn.modules.batchnorm.BatchNorm2d",
     "torch.nn.modules.batchnorm.BatchNorm2d",
     [](const Module& m, Value& state) {
       describe_norm(dynamic_cast<const torch::nn::BatchNorm2dImpl&>(m), state);
     }},
    {is<PlainNorm>, "torch.nn.modules.batchnorm.BatchNorm2d",
     "torch.nn.modules.batchnorm.BatchNorm2d",
     [](const Module& m, Value& state) {
       describe_norm(dynamic_cast<const PlainNorm&>(m).norm(), state);
     }},
    {is<Upsample>, "torch.nn.modules.upsampling.Upsample", "torch.nn.modules.upsampling.Upsample",
     describe_upsample},
    {is<Identity>, "torch.nn.modules.linear.Identity", "torch.nn.modules.linear.Identity"},
    {is<Chain>, "torch.nn.modules.container.Sequential", "torch.nn.modules.container.Sequential"},
    {is<torch::nn::ModuleListImpl>, "torch.nn.modules.container.ModuleList",
     "torch.nn.modules.container.ModuleList"},
};

}  // namespace

Value ordered_dict(const Value& entries) {
  return Record{"collections", "OrderedDict", kCall, Value::tuple({}), {}, entries};
}

Value stored_tensor(const torch::Tensor& tensor, const Yolov5Style& style) {
  return to_tensor_data(style.half && tensor.is_floating_point() ? tensor.to(torch::kFloat16)
                                                                 : tensor);
}

// What old versions of torch do not know is only a further attribute to them.
Value make_module(std::string_view full_name, const ModuleParts& parts) {
  const std::size_t dot = full_name.rfind('.');
  Value state = Value::dict({{"training", false},
                             {"_parameters", ordered_dict(parts.parameters)},
                             {"_buffers", ordered_dict(parts.buffers)}});
  state.set("_non_persistent_buffers_set",
            Record{"__builtin__", "set", kCall, Value::tuple({Value::list()}), {}, {}});
  state.set("_is_full_backward_hook", {});
  for (const char* hooks :
       {"_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_hooks_with_kwargs",
        "_forward_hooks_always_called", "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs",
        "_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks",
        "_load_state_dict_post_hooks"})
    state.set(hooks, ordered_dict());
  state.set("_modules", ordered_dict(parts.children));
  return Record{std::string(full_name.substr(0, dot)),
                std::string(full_name.substr(dot + 1)),
                Record::Form::kInstance,
                Value::tuple({}),
                state,
                {}};
}

ModuleParts parts_of(const Module& module, const Yolov5Style& style) {
  ModuleParts parts;
  for (const auto& p : module.named_parameters(false))
    parts.parameters.set(p.key(), parameter(p.value(), style));
  if (is<torch::nn::Conv2dImpl>(module) && parts.parameters.find("bias") == nullptr)
    parts.parameters.set("bias", {});
  for (const auto& b : module.named_buffers(false))
    parts.buffers.set(b.key(), stored_tensor(b.value(), style));
  for (const auto& child : module.named_children()) {
    parts.children.set(child.key(), module_record(*child.value(), style));
    if (const auto activation = activation_after_norm(module); activation && child.key() == "bn")
      parts.children.set("act", activation_module(*activation));
  }
  add_pools(module, parts.children);
  return parts;
}

Value module_record(const Module& module, const Yolov5Style& style) {
  for (const ClassRow& row : kClasses) {
    if (!row.is(module)) continue;
    const char* full_name = style.generation == Generation::kRelease7 ? row.release7 : row.july2020;
    if (full_name == nullptr) break;
    Value record = make_module(full_name, parts_of(module, style));
    if (row.describe != nullptr) row.describe(module, record.as_record().state);
    return record;
  }
  throw Error(ErrorKind::kConfig,
              "the original's release of this model has no class that computes the same");
}

}  // namespace gannet
