#include "gannet/train/optimizer.h"

#include <ATen/ops/_fused_sgd.h>
#include <fmt/format.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/optimizer.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <optional>

#include "gannet/core/error.h"
#include "gannet/ops/stored_tensor.h"

namespace gannet {
namespace {

std::vector<torch::optim::OptimizerParamGroup> make_groups(const DetectionModel& model) {
  std::vector<std::vector<torch::Tensor>> members(kNumGroups);
  for (const auto& [name, parameter] : named_parameters_in_order(model))
    members[static_cast<std::size_t>(parameter_group(name))].push_back(parameter);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  for (auto& group : members) groups.emplace_back(std::move(group));
  return groups;
}

template <class Options>
void set_decay(std::vector<torch::optim::OptimizerParamGroup>& groups, const Options& options,
               double decay) {
  for (std::size_t g = 0; g < groups.size(); ++g) {
    auto own = std::make_unique<Options>(options);
    own->weight_decay(g == 1 ? decay : 0);
    groups[g].set_options(std::move(own));
  }
}

template <class Optimizer, class Options>
std::unique_ptr<torch::optim::Optimizer> make_adam(const DetectionModel& model,
                                                   const OptimizerOptions& o) {
  auto groups = make_groups(model);
  const auto options = Options(o.lr0).betas({o.momentum, 0.999}).eps(1e-8);
  set_decay(groups, options, o.weight_decay);
  return std::make_unique<Optimizer>(std::move(groups), options);
}

template <class State>
Value adam_state(const State& state) {
  Value entry = Value::dict();
  entry.set("step", state.step());
  entry.set("exp_avg", to_tensor_data(state.exp_avg()));
  entry.set("exp_avg_sq", to_tensor_data(state.exp_avg_sq()));
  return entry;
}

torch::Tensor read_like(const Value& entry, const char* key, const torch::Tensor& parameter) {
  const auto loaded = to_tensor(entry.tensor_at(key));
  if (loaded.sizes() != parameter.sizes())
    throw Error(ErrorKind::kCheckpoint, fmt::format("'{}' has {} values, the parameter {}", key,
                                                    loaded.numel(), parameter.numel()));
  return torch::empty_like(parameter).copy_(loaded);
}

template <class State>
std::unique_ptr<State> read_adam_state(const Value& entry, const torch::Tensor& parameter) {
  auto state = std::make_unique<State>();
  state->step(entry.int_at("step"));
  state->exp_avg(read_like(entry, "exp_avg", parameter));
  state->exp_avg_sq(read_like(entry, "exp_avg_sq", parameter));
  return state;
}

std::unique_ptr<torch::optim::OptimizerParamState> read_state(
    const torch::optim::Optimizer& optimizer, const Value& entry, const torch::Tensor& parameter) {
  if (dynamic_cast<const torch::optim::AdamW*>(&optimizer))
    return read_adam_state<torch::optim::AdamWParamState>(entry, parameter);
  if (dynamic_cast<const torch::optim::Adam*>(&optimizer))
    return read_adam_state<torch::optim::AdamParamState>(entry, parameter);
  auto state = std::make_unique<torch::optim::SGDParamState>();
  state->momentum_buffer(read_like(entry, "momentum_buffer", parameter));
  return state;
}

void fused_sgd(torch::optim::Optimizer& optimizer, torch::optim::OptimizerParamGroup& group,
               const std::optional<torch::Tensor>& skip = {}) {
  const auto& options = static_cast<const torch::optim::SGDOptions&>(group.options());
  std::vector<torch::Tensor> parameters, gradients, momenta;
  for (const auto& parameter : group.params()) {
    if (!parameter.grad().defined()) continue;
    auto& state = optimizer.state()[parameter.unsafeGetTensorImpl()];
    if (!state) {
      auto fresh = std::make_unique<torch::optim::SGDParamState>();
      fresh->momentum_buffer(torch::zeros_like(parameter));
      state = std::move(fresh);
    }
    parameters.push_back(parameter);
    gradients.push_back(parameter.grad());
    momenta.push_back(static_cast<torch::optim::SGDParamState&>(*state).momentum_buffer());
  }
  if (parameters.empty()) return;
  at::_fused_sgd_(parameters, gradients, momenta, options.weight_decay(), options.momentum(),
                  options.lr(), options.dampening(), options.nesterov(), /*maximize=*/false,
                  /*is_first_step=*/false, /*grad_scale=*/{}, skip);
}

}  // namespace

int parameter_group(const std::string& name) {
  if (name.find(".bias") != std::string::npos) return 2;
  const bool decayed =
      name.find(".weight") != std::string::npos && name.find(".bn") == std::string::npos;
  return decayed ? 1 : 0;
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const DetectionModel& model,
                                                        const OptimizerOptions& o) {
  if (o.kind == "adam") return make_adam<torch::optim::Adam, torch::optim::AdamOptions>(model, o);
  if (o.kind == "adamw")
    return make_adam<torch::optim::AdamW, torch::optim::AdamWOptions>(model, o);
  auto groups = make_groups(model);
  const auto options = torch::optim::SGDOptions(o.lr0).momentum(o.momentum).nesterov(true);
  set_decay(groups, options, o.weight_decay);
  return std::make_unique<torch::optim::SGD>(std::move(groups), options);
}

void apply_plan(torch::optim::Optimizer& optimizer, const StepPlan& plan, double lr_factor) {
  auto& groups = optimizer.param_groups();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    groups[g].options().set_lr(lr_factor * plan.lr[g]);
    if (auto* sgd = dynamic_cast<torch::optim::SGDOptions*>(&groups[g].options()))
      sgd->momentum(plan.momentum);
  }
}

void step_optimizer(torch::optim::Optimizer& optimizer) {
  if (dynamic_cast<const torch::optim::SGD*>(&optimizer) == nullptr) {
    optimizer.step();
    return;
  }
  const torch::NoGradGuard no_grad;
  for (auto& group : optimizer.param_groups()) fused_sgd(optimizer, group);
}

void step_sgd_unless(const torch::Tensor& skip, torch::optim::Optimizer& optimizer) {
  const torch::NoGradGuard no_grad;
  for (auto& group : optimizer.param_groups()) fused_sgd(optimizer, group, skip);
}

std::vector<torch::Tensor> gradients_of(const torch::optim::Optimizer& optimizer) {
  std::vector<torch::Tensor> gradients;
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& parameter : group.params())
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  return gradients;
}

void zero_gradients(const torch::optim::Optimizer& optimizer) {
  const auto gradients = gradients_of(optimizer);
  if (!gradients.empty()) torch::_foreach_zero_(gradients);
}

void release_gradients(const torch::optim::Optimizer& optimizer) {
  for (const auto& group : optimizer.param_groups())
    for (const auto& parameter : group.params()) parameter.mutable_grad() = torch::Tensor();
}

Value optimizer_state(torch::optim::Optimizer& optimizer, const DetectionModel& model) {
  Value all = Value::dict();
  for (const auto& [name, parameter] : named_parameters_in_order(model)) {
    const auto found = optimizer.state().find(parameter.unsafeGetTensorImpl());
    if (found == optimizer.state().end()) continue;
    const auto* state = found->second.get();
    if (const auto* adamw = dynamic_cast<const torch::optim::AdamWParamState*>(state)) {
      all.set(name, adam_state(*adamw));
    } else if (const auto* adam = dynamic_cast<const torch::optim::AdamParamState*>(state)) {
      all.set(name, adam_state(*adam));
    } else if (const auto* sgd = dynamic_cast<const torch::optim::SGDParamState*>(state)) {
      Value entry = Value::dict();
      entry.set("momentum_buffer", to_tensor_data(sgd->momentum_buffer()));
      all.set(name, entry);
    }
  }
  return all;
}

void load_optimizer_state(torch::optim::Optimizer& optimizer, const DetectionModel& model,
                          const Value& state) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : named_parameters_in_order(model)) {
    // A parameter that had no gradient yet, or is frozen, has no state.
    const Value* entry = state.find(name);
    if (entry == nullptr) continue;
    try {
      optimizer.state()[parameter.unsafeGetTensorImpl()] = read_state(optimizer, *entry, parameter);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("optimizer state of '{}': {}", name, error.message()),
                  error.where());
    }
  }
}

}  // namespace gannet
