#include "gannet/nn/model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "gannet/core/error.h"
#include "gannet/core/rng.h"
#include "gannet/nn/layers.h"

namespace gannet {
namespace {

HeadSpec make_head_spec(const ModelPlan& plan) {
  HeadSpec spec;
  spec.num_classes = plan.num_classes;
  spec.anchors_px = plan.anchors_px;
  for (const int input : plan.layers.back().inputs)
    spec.strides.push_back(plan.layers[static_cast<std::size_t>(input)].stride);
  const auto area = [](const std::array<float, 2>& anchor) { return anchor[0] * anchor[1]; };
  // Anchors go with the strides; a file that lists them the other way round is turned (RB 2.5), in
  // pixels, so that both forms stay consistent (Q33).
  const bool anchors_grow =
      area(spec.anchors_px.back().back()) > area(spec.anchors_px.front().front());
  const bool strides_grow = spec.strides.back() > spec.strides.front();
  if (spec.num_levels() > 1 && anchors_grow != strides_grow)
    std::reverse(spec.anchors_px.begin(), spec.anchors_px.end());
  return spec;
}

std::vector<std::int64_t> head_channels(const ModelPlan& plan) {
  std::vector<std::int64_t> channels;
  if (plan.generation != Generation::kRelease7) return channels;
  for (const int input : plan.layers.back().inputs)
    channels.push_back(plan.layers[static_cast<std::size_t>(input)].out_channels);
  return channels;
}

/// State name of a level's output convolution.
std::string output_convolution(const ModelPlan& plan, std::size_t level) {
  const LayerPlan& head = plan.layers.back();
  return plan.generation == Generation::kRelease7 ? fmt::format("model.{}.m.{}", head.index, level)
                                                  : fmt::format("model.{}", head.inputs[level]);
}

// Uniform in +-bound, counted by the parameter's name: independent of construction order.
void fill_uniform(const torch::Tensor& tensor, double bound, std::uint64_t seed,
                  const std::string& name) {
  const auto values = torch::empty(tensor.sizes(), torch::kFloat32);
  Rng rng({seed, 0, fnv1a32(name), Purpose::kWeights});
  float* data = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i)
    data[i] = static_cast<float>(rng.uniform(-bound, bound));
  tensor.copy_(values);
}

void collect_state(const torch::nn::Module& module, const std::string& prefix, bool buffers,
                   StateDict& state) {
  for (const auto& p : module.named_parameters(false))
    state.emplace_back(prefix + p.key(), p.value());
  if (buffers) {
    for (const auto& b : module.named_buffers(false))
      state.emplace_back(prefix + b.key(), b.value());
  }
  for (const auto& child : module.named_children())
    collect_state(*child.value(), prefix + child.key() + ".", buffers, state);
}

}  // namespace

BiasOffsets head_bias_offsets(double stride, int num_classes, Generation generation) {
  const double almost_one = generation == Generation::kRelease7 ? 0.99999 : 0.99;
  return {std::log(8 / std::pow(640 / stride, 2)), std::log(0.6 / (num_classes - almost_one))};
}

DetectionModel::DetectionModel(const ModelDescription& description, const ModelOptions& options)
    : description_(description),
      plan_(plan_model(description, options.num_classes, options.in_channels)) {
  register_module("model", list_);
  for (const LayerPlan& layer : plan_.layers) {
    if (layer.module == "Detect") {
      detect_ = std::make_shared<Detect>(make_head_spec(plan_), head_channels(plan_));
      list_->push_back(detect_);
    } else {
      layers_.push_back(make_layer(layer, plan_.generation, description_.file));
      list_->push_back(layers_.back());
    }
  }
  if (options.draw_weights) initialise(options);
}

// Convolutions as the framework initialises them (Kaiming uniform with a = sqrt 5), norms 1 and 0,
// then the head's biases (RB 2.3, 2.5).
void DetectionModel::initialise(const ModelOptions& options) {
  const torch::NoGradGuard no_grad;
  std::int64_t fan_in = 1;
  std::string convolution;  // prefix of the last one seen: its bias follows its weight
  for (const auto& [name, parameter] : state_dict(*this)) {
    const std::string prefix = name.substr(0, name.rfind('.'));
    if (name.ends_with(".weight") && parameter.dim() == 4) {
      convolution = prefix;
      fan_in = parameter[0].numel();
      fill_uniform(parameter, 1 / std::sqrt(static_cast<double>(fan_in)), options.seed, name);
    } else if (name.ends_with(".bias") && prefix == convolution) {
      fill_uniform(parameter, 1 / std::sqrt(static_cast<double>(fan_in)), options.seed, name);
    } else if (options.dry_run_statistics && name.ends_with("running_var")) {
      parameter.fill_(0.9);
    } else if (options.dry_run_statistics && name.ends_with("num_batches_tracked")) {
      parameter.fill_(1);
    }
  }
  const auto parameters = named_parameters();
  for (std::size_t l = 0; l < plan_.layers.back().inputs.size(); ++l) {
    const std::string name = output_convolution(plan_, l) + ".bias";
    const BiasOffsets offsets =
        head_bias_offsets(head().strides[l], head().num_classes, plan_.generation);
    const auto bias = parameters[name].view({head().anchors_per_level(), -1});
    bias.select(1, 4).add_(offsets.objectness);
    bias.slice(1, 5).add_(offsets.classes);
  }
}

// What LibTorch says of shapes that do not fit says not where; lack of memory is no layer's fault.
void DetectionModel::rethrow_of_layer(const c10::Error& error, const LayerPlan& layer) const {
  const std::string text = error.what_without_backtrace();
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
      text.find("alloc") != std::string::npos || text.find("memory") != std::string::npos)
    throw;
  throw Error(ErrorKind::kConfig,
              fmt::format("layer {}, {}, does not fit what it gets: {}", layer.index, layer.module,
                          text.substr(0, text.find('\n'))),
              {description_.file, layer.line, {}}, "correct its arguments in the model file");
}

std::vector<torch::Tensor> DetectionModel::forward(const torch::Tensor& images,
                                                   const LayerTrace& trace) {
  std::vector<torch::Tensor> outputs(plan_.layers.size());
  const auto output_of = [&](int layer) {
    return layer < 0 ? images : outputs[static_cast<std::size_t>(layer)];
  };
  for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
    const LayerPlan& layer = plan_.layers[i];
    std::vector<torch::Tensor> inputs;
    for (const int input : layer.inputs) inputs.push_back(output_of(input));
    if (i + 1 == plan_.layers.size()) {
      auto raw = detect_->forward(inputs);
      if (trace) trace(layer.index, raw);
      return raw;
    }
    try {
      outputs[i] = layers_[i]->forward(inputs);
    } catch (const c10::Error& error) {
      rethrow_of_layer(error, layer);
    }
    if (trace) trace(layer.index, {outputs[i]});
    const bool previous_is_done =
        i > 0 && !std::binary_search(plan_.save.begin(), plan_.save.end(), static_cast<int>(i) - 1);
    if (previous_is_done) outputs[i - 1].reset();
  }
  return {};
}

void DetectionModel::pack(torch::Dtype dtype) {
  apply([dtype](torch::nn::Module& module) {
    if (auto* block = dynamic_cast<ConvBnAct*>(&module)) block->pack(dtype);
    if (auto* block = dynamic_cast<BottleneckCsp*>(&module)) block->pack(dtype);
    if (auto* block = dynamic_cast<PlainConv*>(&module)) block->pack(dtype);
  });
}

void DetectionModel::fuse() {
  apply([](torch::nn::Module& module) {
    if (auto* block = dynamic_cast<ConvBnAct*>(&module)) block->fuse();
  });
}

void DetectionModel::synchronise_norms(std::shared_ptr<const NormSync> sync) {
  apply([&sync](torch::nn::Module& module) {
    if (auto* norm = dynamic_cast<NormImpl*>(&module)) norm->synchronise(sync);
    if (auto* plain = dynamic_cast<PlainNorm*>(&module)) plain->norm().synchronise(sync);
  });
}

void DetectionModel::require_norm_values(std::int64_t least) {
  apply([least](torch::nn::Module& module) {
    if (auto* norm = dynamic_cast<NormImpl*>(&module)) norm->require_values(least);
    if (auto* plain = dynamic_cast<PlainNorm*>(&module)) plain->norm().require_values(least);
  });
}

int DetectionModel::max_stride() const {
  return static_cast<int>(*std::max_element(head().strides.begin(), head().strides.end()));
}

std::int64_t DetectionModel::num_parameters(int layer) const {
  std::int64_t count = 0;
  for (const auto& p : (*list_).children()[static_cast<std::size_t>(layer)]->parameters())
    count += p.numel();
  return count;
}

StateDict state_dict(const torch::nn::Module& module) {
  StateDict state;
  collect_state(module, {}, true, state);
  return state;
}

StateDict named_parameters_in_order(const torch::nn::Module& module) {
  StateDict state;
  collect_state(module, {}, false, state);
  return state;
}

std::string TransferReport::summary() const {
  std::string text = fmt::format("{} of {} tensors transferred", transferred, total);
  if (source_classes != classes)
    text += fmt::format("; {} classes in the file, {} here: the head is made anew", source_classes,
                        classes);
  const auto add = [&text](const char* what, const std::vector<std::string>& names) {
    if (names.empty()) return;
    constexpr std::size_t kShown = 3;
    const std::vector<std::string> first(
        names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
    text += fmt::format(
        "; {} {}: {}{}", names.size(), what, fmt::join(first, ", "),
        names.size() > kShown ? fmt::format(" and {} more", names.size() - kShown) : "");
  };
  add("of another shape", mismatched);
  add("missing in the file", missing);
  add("unused", unused);
  add("kept as the model has them", kept);
  return text;
}

namespace {

const torch::Tensor* find_entry(const StateDict& state, const std::string& name) {
  const auto found = std::find_if(state.begin(), state.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  return found == state.end() ? nullptr : &found->second;
}

/// From the width of the file's output convolution; 0 where that is not one.
int count_source_classes(const DetectionModel& model, const StateDict& source) {
  const torch::Tensor* weight = find_entry(source, output_convolution(model.plan(), 0) + ".weight");
  const int anchors = model.head().anchors_per_level();
  if (weight == nullptr || weight->dim() != 4 || weight->size(0) % anchors != 0) return 0;
  return static_cast<int>(std::max<std::int64_t>(weight->size(0) / anchors - 5, 0));
}

bool is_output(const DetectionModel& model, const std::string& name) {
  for (std::size_t level = 0; level < model.head().strides.size(); ++level) {
    if (name.starts_with(output_convolution(model.plan(), level) + ".")) return true;
  }
  return name.find("anchor") != std::string::npos;
}

}  // namespace

StateDict match_head_classes(const DetectionModel& model, StateDict source,
                             const std::vector<int>& from) {
  const torch::NoGradGuard no_grad;
  constexpr std::int64_t kBoxRows = 5;
  const int source_classes = count_source_classes(model, source);
  if (source_classes == 0) return source;
  const std::int64_t anchors = model.head().anchors_per_level();
  const StateDict own = state_dict(model);
  for (auto& [name, tensor] : source) {
    const torch::Tensor* target = is_output(model, name) ? find_entry(own, name) : nullptr;
    if (target == nullptr || name.find("anchor") != std::string::npos) continue;
    const auto rows_of = [&](const torch::Tensor& t) {  // (anchors, 5 + classes, ...)
      auto sizes = t.sizes().vec();
      sizes[0] /= anchors;
      sizes.insert(sizes.begin(), anchors);
      return t.reshape(sizes);
    };
    auto tail = [](const torch::Tensor& t) { return t.sizes().slice(1); };
    if (tensor.size(0) != anchors * (kBoxRows + source_classes) || tail(tensor) != tail(*target))
      continue;
    torch::Tensor fitted = target->detach().cpu().clone();
    const torch::Tensor to = rows_of(fitted), source_rows = rows_of(tensor);
    to.slice(1, 0, kBoxRows).copy_(source_rows.slice(1, 0, kBoxRows));
    for (std::size_t c = 0; c < from.size(); ++c) {
      if (from[c] < 0 || from[c] >= source_classes) continue;
      to.select(1, kBoxRows + static_cast<std::int64_t>(c))
          .copy_(source_rows.select(1, kBoxRows + from[c]));
    }
    tensor = to.reshape(target->sizes());
  }
  return source;
}

TransferReport load_state(DetectionModel& model, const StateDict& source, bool keep_anchors) {
  const torch::NoGradGuard no_grad;
  TransferReport report;
  StateDict target = state_dict(model);
  report.total = static_cast<std::int64_t>(target.size());
  std::vector<std::string> known;
  for (auto& [name, tensor] : target) {
    known.push_back(name);
    const bool in_body = !is_output(model, name);
    report.body_total += in_body ? 1 : 0;
    const torch::Tensor* found = find_entry(source, name);
    if (found == nullptr) {
      report.missing.push_back(name);
    } else if (keep_anchors && name.find("anchor") != std::string::npos) {
      report.kept.push_back(name);
    } else if (found->sizes() != tensor.sizes()) {
      report.mismatched.push_back(fmt::format("{} {} in the file, {} here", name,
                                              fmt::join(found->sizes(), "x"),
                                              fmt::join(tensor.sizes(), "x")));
    } else {
      tensor.copy_(*found);
      ++report.transferred;
      report.body_transferred += in_body ? 1 : 0;
    }
  }
  if (const int classes = count_source_classes(model, source);
      classes > 0 && classes != model.head().num_classes) {
    report.source_classes = classes;
    report.classes = model.head().num_classes;
  }
  for (const auto& entry : source) {
    if (std::find(known.begin(), known.end(), entry.first) == known.end())
      report.unused.push_back(entry.first);
  }
  if (!keep_anchors) model.detect().read_anchors_from_buffers();
  return report;
}

void place_model(DetectionModel& model, const Placement& placement) {
  const torch::NoGradGuard no_grad;
  // Module::to would also turn the integer counters into floats.
  for (auto& [name, tensor] : state_dict(model)) {
    auto placed = tensor.to(
        placement.device, tensor.is_floating_point() ? placement.parameters : tensor.scalar_type());
    if (placed.dim() == 4) placed = placed.contiguous(placement.memory_format);
    tensor.set_data(placed);
  }
}

void prepare_for_inference(DetectionModel& model, const Placement& placement) {
  model.fuse();
  place_model(model, placement);
  if (placement.uses_host_threads()) model.pack(placement.compute);
}

double count_macs(DetectionModel& model, int height, int width) {
  double macs = 0;
  const ModelPlan& plan = model.plan();
  const auto count_layer = [&](int index, double cells_in_stride) {
    for (const auto& p : model.children()
                             .front()
                             ->children()[static_cast<std::size_t>(index)]
                             ->named_parameters()) {
      if (p.value().dim() == 4) macs += static_cast<double>(p.value().numel()) * cells_in_stride;
    }
  };
  for (const LayerPlan& layer : plan.layers) {
    if (layer.module == "Detect") continue;
    count_layer(layer.index, (height / layer.stride) * (width / layer.stride));
  }
  if (plan.generation == Generation::kRelease7) {
    const auto named = model.detect().named_parameters();
    for (std::size_t l = 0; l < model.head().strides.size(); ++l) {
      const double stride = model.head().strides[l];
      macs += static_cast<double>(named["m." + std::to_string(l) + ".weight"].numel()) *
              (height / stride) * (width / stride);
    }
  }
  return macs;
}

}  // namespace gannet
