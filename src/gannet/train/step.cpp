#include "gannet/train/step.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include <cmath>
#include <filesystem>

#include "gannet/core/error.h"
#include "gannet/core/numeric.h"
#include "gannet/core/rng.h"
#include "gannet/predict/predictor.h"
#include "gannet/train/optimizer.h"

namespace gannet {
namespace {

constexpr std::int64_t kStepsBeforeGrowth = 2000;

// Gradients leave the loss scale; @return whether all are finite.
bool unscale(const torch::optim::Optimizer& optimizer, double scale) {
  std::vector<torch::Tensor> gradients;
  for (const auto& group : optimizer.param_groups())
    for (const auto& parameter : group.params())
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  if (gradients.empty()) return true;
  const auto device = gradients.front().options().dtype(torch::kFloat32);
  auto found = torch::zeros({1}, device);
  torch::_amp_foreach_non_finite_check_and_unscale_(gradients, found, torch::full({1}, 1 / scale, device));
  return found.item<float>() == 0;
}

// Doubles the scale after a long time without overflow, halves it at one.
void adapt(LossScaler& scaler, bool finite) {
  if (!finite) {
    scaler.scale /= 2;
    scaler.good_steps = 0;
  } else if (++scaler.good_steps >= kStepsBeforeGrowth) {
    scaler.scale *= 2;
    scaler.good_steps = 0;
  }
}

}  // namespace

TrainStep::TrainStep(TrainState& state, const Schedule& schedule, const DetectionLoss& loss, const Placement& placement,
                     Communicator& comm, StepOptions options)
    : state_(state), schedule_(schedule), loss_(loss), placement_(placement), comm_(comm), options_(options) {}

void TrainStep::begin_epoch() {
  item_sums_.reset();
  num_items_ = 0;
  if (schedule_.options().original) zero_gradients(*state_.optimizer);
}

void TrainStep::run(const Batch& batch) {
  plan_ = schedule_.at(state_.iteration);
  const Inputs inputs = prepare(batch);
  const LossParts loss = loss_(forward(inputs), inputs.targets_N6, state_.model->head(), comm_);
  record(loss, batch);
  backward(loss);
  if (plan_.completes_update) update();
  ++state_.iteration;
}

// Multi-scale (RB 6.8): a size from half to one and a half, in steps of the stride.
Inputs TrainStep::prepare(const Batch& batch) const {
  Inputs inputs{prepare_images(batch, placement_), prepare_targets(batch, placement_)};
  if (!options_.multi_scale) return inputs;
  const int stride = state_.model->max_stride();
  Rng rng({state_.seed, 0, static_cast<std::uint64_t>(state_.iteration), Purpose::kMultiScale});
  const std::int64_t low = options_.image_size / 2, high = options_.image_size * 3 / 2 + stride;
  const std::int64_t drawn = (low + rng.below(high - low)) / stride * stride;
  const std::int64_t size = std::max<std::int64_t>(drawn, stride);  // half a small image may be less
  const double factor = static_cast<double>(size) / static_cast<double>(std::max(batch.height, batch.width));
  if (factor == 1) return inputs;
  const std::vector<std::int64_t> shape{ceil_to_multiple(batch.height * factor, stride), ceil_to_multiple(batch.width * factor, stride)};
  inputs.images = torch::upsample_bilinear2d(inputs.images, shape, false).contiguous(placement_.memory_format);
  return inputs;
}

std::vector<torch::Tensor> TrainStep::forward(const Inputs& inputs) {
  const AutocastScope autocast(placement_);
  return state_.model->forward(inputs.images);
}

void TrainStep::backward(const LossParts& loss) {
  (state_.scaler.enabled ? loss.total * state_.scaler.scale : loss.total).backward();
}

void TrainStep::update() {
  const bool finite = !state_.scaler.enabled || unscale(*state_.optimizer, state_.scaler.scale);
  if (finite) {
    apply_plan(*state_.optimizer, plan_);
    state_.optimizer->step();
    state_.ema->update(*state_.model);
  }
  if (state_.scaler.enabled) adapt(state_.scaler, finite);
  zero_gradients(*state_.optimizer);
}

void TrainStep::record(const LossParts& loss, const Batch& batch) {
  const auto items = loss.items.to(torch::kFloat64);
  last_items_ = items;
  item_sums_ = item_sums_.defined() ? item_sums_ + items : items;
  ++num_items_;
  // Reading here waits for the device; on a CPU, where there is nothing to wait for, every step is checked.
  constexpr std::int64_t kCheckEvery = 10;
  if (!placement_.device.is_cpu() && state_.iteration % kCheckEvery != 0) return;
  if (std::isfinite(item_sums_[3].item<double>())) return;
  std::vector<std::string> names;
  for (const SampleInfo& sample : batch.samples) names.push_back(std::filesystem::path(sample.path).filename().string());
  throw Error(ErrorKind::kNumeric,
              fmt::format("the loss is not finite at iteration {}: box {:g}, objectness {:g}, class {:g}; images {}",
                          state_.iteration, items[0].item<double>(), items[1].item<double>(), items[2].item<double>(), fmt::join(names, ", ")),
              {}, "lower lr0, or use --precision fp32");
}

std::array<double, 4> TrainStep::mean_items() const {
  std::array<double, 4> means{};
  if (num_items_ == 0) return means;
  const auto host = (item_sums_ / static_cast<double>(num_items_)).to(torch::kCPU);
  for (std::size_t i = 0; i < means.size(); ++i) means[i] = host[static_cast<std::int64_t>(i)].item<double>();
  return means;
}

}  // namespace gannet
