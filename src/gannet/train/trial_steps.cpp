#include "gannet/train/trial_steps.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/numeric.h"
#include "gannet/core/rng.h"
#include "gannet/core/stopwatch.h"
#include "gannet/dist/communicator.h"
#include "gannet/ops/accelerator.h"
#include "gannet/ops/tensor_memory.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/run_options.h"
#include "gannet/train/step.h"

namespace gannet {
namespace {

constexpr int kTargetsPerImage = 8;
constexpr double kMostSeconds = 30;  // that a step may take

/// Grey pixels and random boxes.
Batch make_batch(int images, int side, int num_classes) {
  Batch batch;
  batch.images = images;
  batch.global_images = images;
  batch.height = batch.width = side;
  batch.pixels = std::shared_ptr<std::uint8_t[]>(new std::uint8_t[batch.bytes()]);
  std::fill_n(batch.pixels.get(), batch.bytes(), std::uint8_t{114});
  Rng rng({0, 0, 0, Purpose::kTest});
  const auto draw = [&](double low, double high) {
    return static_cast<float>(low + (high - low) * rng.uniform());
  };
  for (int i = 0; i < images * kTargetsPerImage; ++i)
    batch.targets.push_back({static_cast<float>(i / kTargetsPerImage),
                             static_cast<float>(i % num_classes), draw(0.1, 0.9), draw(0.1, 0.9),
                             draw(0.02, 0.5), draw(0.02, 0.5)});
  batch.samples.resize(static_cast<std::size_t>(images));
  return batch;
}

/// Every step makes an update, which hardly changes anything.
Schedule tiny_steps() {
  ScheduleOptions options;
  options.epochs = 100;
  options.batches_per_epoch = 1000;
  options.total_batch = options.nominal_batch;
  options.lr0 = options.warmup_bias_lr = 1e-6;
  return Schedule(options);
}

TrainState make_state(const Settings& settings, const DetectionModel& like,
                      const Placement& placement) {
  TrainState state;
  state.model = std::make_shared<DetectionModel>(
      like.description(), ModelOptions{.num_classes = like.head().num_classes});
  const auto from = like.parameters(), to = state.model->parameters();
  for (std::size_t i = 0; i < from.size(); ++i) to[i].set_requires_grad(from[i].requires_grad());
  place_model(*state.model, placement);
  state.model->train();
  state.ema = std::make_unique<Ema>(*state.model);
  state.optimizer = make_optimizer(*state.model, {.kind = settings.train.optimizer});
  return state;
}

/// Settings of the process while it works on shards, as a deterministic run has them.
class ThreadsScope {
 public:
  explicit ThreadsScope(bool one) : before_(torch::get_num_threads()) {
    if (one) torch::set_num_threads(1);
  }
  ~ThreadsScope() { torch::set_num_threads(before_); }
  ThreadsScope(const ThreadsScope&) = delete;
  ThreadsScope& operator=(const ThreadsScope&) = delete;
  int before() const { return before_; }

 private:
  int before_;
};

/// What two steps took, the first of which makes the optimizer's state and chooses kernels.
struct Trial {
  StepMemory memory;
  double seconds_of_image = 0;
};

Trial try_two_steps(const Settings& settings, const DetectionModel& like,
                    const Placement& placement, int images, int side) {
  reset_peak_device_memory(placement.device);
  const TensorMemoryCount count;
  const ThreadsScope threads(settings.train.deterministic);
  TrainState state = make_state(settings, like, placement);
  const Schedule schedule = tiny_steps();
  const DetectionLoss loss(make_loss_options(settings, like.head(), side));
  const auto alone = make_single_process();
  StepOptions options;
  options.image_size = side;
  options.quad = settings.train.quad;
  options.in_one_piece = true;
  if (settings.train.deterministic) options.shard_threads = threads.before();
  TrainStep step(state, schedule, loss, placement, *alone, options);
  const Batch batch = make_batch(images, side, like.head().num_classes);
  step.run(batch);
  finish_queued_work(placement.device);
  const Stopwatch watch;
  step.run(batch);
  finish_queued_work(placement.device);
  const double bytes = placement.uses_host_threads()
                           ? static_cast<double>(count.most_held())
                           : peak_device_memory_gib(placement.device) * (1 << 30);
  return {{static_cast<double>(images), bytes}, watch.seconds() / images};
}

}  // namespace

double weight_bytes(const DetectionModel& model) {
  double bytes = 0;
  for (const auto& parameter : model.parameters()) bytes += static_cast<double>(parameter.nbytes());
  return bytes;
}

TrialReport try_steps(const Settings& settings, const DetectionModel& like,
                      const Placement& placement, int side, double limit) {
  // Shards and groups of four need a few images each. Small images come first, in case that larger
  // ones do not fit.
  const int few = settings.train.deterministic || settings.train.quad ? 4 : 2;
  const int half = static_cast<int>(ceil_to_multiple(side / 2, like.max_stride()));
  const double area = static_cast<double>(half) * half / (static_cast<double>(side) * side);
  Trial small = try_two_steps(settings, like, placement, few, half);
  small.memory.images *= area;
  // Without images: weights, gradients, average, momentum.
  const double weights = 4 * weight_bytes(like);
  TrialReport report{{{0, weights}, small.memory}};
  const double bytes_of_image = std::max(0.0, small.memory.bytes - weights) / small.memory.images;
  for (const int images : {2 * few, few}) {
    release_cached_memory(placement.device);
    report.too_large = limit > 0 && weights + bytes_of_image * images > limit;
    report.too_slow = small.seconds_of_image / area * images > kMostSeconds;
    if (report.too_large || report.too_slow) continue;
    report.seen.push_back(try_two_steps(settings, like, placement, images, side).memory);
    break;
  }
  release_cached_memory(placement.device);
  return report;
}

}  // namespace gannet
