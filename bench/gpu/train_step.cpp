// Training steps a second on one device, by the trainer's own step on a batch that never changes,
// so that loading is left out; yardstick.py does the same in eager PyTorch. Prints one line of
// JSON.
// --profile adds what operators (CPU) or kernels (GPU) the time went into.
#include <fmt/format.h>
#include <torch/csrc/autograd/profiler_kineto.h>
#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gannet/core/error.h"
#include "gannet/core/memory.h"
#include "gannet/core/rng.h"
#include "gannet/core/stopwatch.h"
#include "gannet/dist/communicator.h"
#include "gannet/ops/accelerator.h"
#include "gannet/ops/placement.h"
#include "gannet/ops/tensor_memory.h"
#include "gannet/ops/thread_waiting.h"
#include "gannet/train/ema.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/run_options.h"
#include "gannet/train/step.h"

namespace gannet {
namespace {

struct BenchOptions {
  std::string model = "yolov5s.yaml", precision = "fp16", layout = "channels_last", device = "0";
  int batch = 16, size = 640, steps = 40, warmup = 15;
  bool profile = false;
};

constexpr int kTargetsPerImage = 8;
constexpr int kLargestBatch = 1024;
constexpr int kStepsOfBlock = 5;  // the host may run ahead within a block

double peak_gib(const torch::Device& device) {
  return device.is_cpu() ? peak_memory_gib() : peak_device_memory_gib(device);
}

/// Random pixels and boxes.
Batch make_batch(int images, int size, bool page_locked) {
  Batch batch;
  batch.images = images;
  batch.global_images = images;
  batch.height = batch.width = size;
  const auto memory =
      torch::randint(256, {static_cast<std::int64_t>(batch.bytes())}, torch::kUInt8);
  const auto kept = page_locked ? memory.pin_memory() : memory;
  batch.pixels = {kept.mutable_data_ptr<std::uint8_t>(), [kept](std::uint8_t*) {}};
  Rng rng({0, 0, 0, Purpose::kTest});
  for (int i = 0; i < images * kTargetsPerImage; ++i) {
    const auto draw = [&](double low, double high) {
      return static_cast<float>(low + (high - low) * rng.uniform());
    };
    batch.targets.push_back({static_cast<float>(i / kTargetsPerImage), std::floor(draw(0, 79.9)),
                             draw(0.1, 0.9), draw(0.1, 0.9), draw(0.02, 0.5), draw(0.02, 0.5)});
  }
  return batch;
}

/// A training state with everything that a run has, and its step.
class Bench {
 public:
  Bench(const BenchOptions& options, int images)
      : options_(options),
        placement_(resolve_placement(options.device, options.precision, options.layout)),
        batch_(make_batch(images, options.size, placement_.wants_page_locked())),
        schedule_(schedule_options()),
        loss_(make_loss_options({}, {}, options.size)),
        comm_(make_single_process()) {
    state_.model = std::make_shared<DetectionModel>(
        load_model_description(find_config(options.model)), ModelOptions{});
    place_model(*state_.model, placement_);
    state_.model->train();
    state_.ema = std::make_unique<Ema>(*state_.model);
    state_.optimizer = make_optimizer(*state_.model, {});
    state_.scaler.enabled = placement_.compute == torch::kFloat16;
    if (state_.scaler.enabled) state_.scaler.scale = 65536;
    StepOptions step_options;
    step_options.search_kernels = true;
    step_options.in_one_piece = true;
    step_ = std::make_unique<TrainStep>(state_, schedule_, loss_, placement_, *comm_, step_options);
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step_->run(batch_);
    step_->count_last_step();
    finish_queued_work(placement_.device);
  }

  /// Ascending, of blocks of steps.
  std::vector<double> step_seconds() {
    std::vector<double> seconds;
    for (int done = 0; done < options_.steps; done += kStepsOfBlock) {
      const Stopwatch watch;
      run(kStepsOfBlock);
      seconds.push_back(watch.seconds() / kStepsOfBlock);
    }
    std::sort(seconds.begin(), seconds.end());
    return seconds;
  }

  double gflop_of_image() { return 2e-9 * count_macs(*state_.model, options_.size, options_.size); }
  const Placement& placement() const { return placement_; }

 private:
  // An update in every step, as the yardstick has it.
  static ScheduleOptions schedule_options() {
    ScheduleOptions options;
    options.epochs = 100;
    options.batches_per_epoch = 1000;
    options.total_batch = 64;
    options.lr0 = 1e-4;
    return options;
  }

  BenchOptions options_;
  Placement placement_;
  Batch batch_;
  Schedule schedule_;
  DetectionLoss loss_;
  std::shared_ptr<Communicator> comm_;
  TrainState state_;
  std::unique_ptr<TrainStep> step_;
};

/// What an operator or a kernel is for, by its name.
std::string purpose_of(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(std::tolower(c)); });
  const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
  if (has("memcpy") || has("memset")) return "copies";
  if (has("batch_norm") || has("batchnorm") || has("bn_fw") || has("bn_bw") || has("normact"))
    return "norms and activations";
  if (has("nchwtonhwc") || has("nhwctonchw")) return "layout changes";
  if (has("conv") || has("gemm") || has("xmma") || has("cutlass") || has("wgrad") || has("dgrad") ||
      has("sm90") || has("sm80") || has("cudnn"))
    return "convolutions";
  if (has("multi_tensor") || has("_foreach") || has("_fused_")) return "optimizer and average";
  if (has("max_pool")) return "pooling";
  if (has("upsample")) return "upsampling";
  if (has("::cat") || has("catarray")) return "concatenation";
  if (has("copy_") || has("::to")) return "copies";
  if (has("elementwise")) return "elementwise";
  return "other";
}

/// Milliseconds by name.
struct Times {
  std::map<std::string, double> by_purpose, by_name;
  double total = 0;
  std::int64_t calls = 0;
  void add(const std::string& name, double ms) {
    by_purpose[purpose_of(name)] += ms;
    by_name[name] += ms;
    total += ms;
    ++calls;
  }
};

using Events = std::vector<torch::autograd::profiler::KinetoEvent>;

Times kernel_times(const Events& events) {
  Times times;
  for (const auto& event : events)
    if (event.deviceType() == torch::kCUDA)
      times.add(event.name(), static_cast<double>(event.durationNs()) * 1e-6);
  return times;
}

/// Of each operator without those that it calls.
Times operator_times(const Events& events) {
  std::map<std::uint64_t, std::vector<const Events::value_type*>> by_thread;
  for (const auto& event : events) by_thread[event.startThreadId()].push_back(&event);
  Times times;
  for (auto& [thread, own] : by_thread) {
    std::stable_sort(own.begin(), own.end(), [](const auto* a, const auto* b) {
      return a->startNs() != b->startNs() ? a->startNs() < b->startNs()
                                          : a->durationNs() > b->durationNs();
    });
    std::vector<std::pair<std::uint64_t, std::string>> open;  // end and name
    for (const auto* event : own) {
      const auto start = static_cast<std::uint64_t>(event->startNs());
      const auto end = start + static_cast<std::uint64_t>(event->durationNs());
      while (!open.empty() && open.back().first <= start) open.pop_back();
      const double ms = static_cast<double>(event->durationNs()) * 1e-6;
      if (!open.empty()) {
        times.by_name[open.back().second] -= ms;
        times.by_purpose[purpose_of(open.back().second)] -= ms;
        times.total -= ms;
      }
      times.add(event->name(), ms);
      open.emplace_back(end, event->name());
    }
  }
  return times;
}

void print_profile(Bench& bench) {
  namespace profiler = torch::autograd::profiler;
  constexpr int kSteps = 5;
  const bool on_cpu = bench.placement().device.is_cpu();
  const std::set<profiler::ActivityType> activities{on_cpu ? profiler::ActivityType::CPU
                                                           : profiler::ActivityType::CUDA};
  const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO);
  profiler::prepareProfiler(config, activities);
  profiler::enableProfiler(config, activities,
                           {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION});
  const Stopwatch watch;
  bench.run(kSteps);
  const double wall_ms = watch.seconds() * 1000 / kSteps;
  const auto result = profiler::disableProfiler();
  const Times times = on_cpu ? operator_times(result->events()) : kernel_times(result->events());
  const auto print = [&](const std::map<std::string, double>& rows, std::size_t most) {
    std::vector<std::pair<double, std::string>> sorted;
    for (const auto& [name, ms] : rows) sorted.emplace_back(ms / kSteps, name.substr(0, 110));
    std::sort(sorted.rbegin(), sorted.rend());
    for (std::size_t i = 0; i < std::min(most, sorted.size()); ++i)
      fmt::print("  {:7.3f} ms {:5.1f}% {}\n", sorted[i].first,
                 100 * sorted[i].first * kSteps / times.total, sorted[i].second);
  };
  fmt::print("{} {:.2f} ms of {:.2f} ms a step, {} calls a step\n",
             on_cpu ? "operators" : "kernels", times.total / kSteps, wall_ms, times.calls / kSteps);
  print(times.by_purpose, 20);
  print(times.by_name, 25);
}

/// The largest power of two that the device has memory for.
int largest_batch(const BenchOptions& options) {
  int largest = 0;
  for (int images = 16; images <= kLargestBatch; images *= 2) {
    try {
      Bench(options, images).run(2);
    } catch (const Error&) {
      break;
    }
    largest = images;
    release_cached_memory(resolve_placement(options.device, options.precision).device);
  }
  release_cached_memory(resolve_placement(options.device, options.precision).device);
  return largest;
}

void run(const BenchOptions& options) {
  const int images = options.batch > 0 ? options.batch : largest_batch(options);
  Bench bench(options, images);
  bench.run(options.warmup);
  const std::vector<double> all_seconds = bench.step_seconds();
  const double seconds = all_seconds[all_seconds.size() / 2];
  const double rate = images / seconds;
  fmt::print(R"({{"program":"gannet","model":"{}","batch":{},"precision":"{}","layout":"{}",)"
             R"("images_per_second":{:.1f},"step_ms":{:.2f},"best_ms":{:.2f},"peak_gib":{:.2f},)"
             R"("tflops":{:.2f}}})"
             "\n",
             options.model, images, options.precision, options.layout, rate, seconds * 1000,
             all_seconds.front() * 1000, peak_gib(bench.placement().device),
             3e-3 * bench.gflop_of_image() * rate);
  if (options.profile) print_profile(bench);
}

}  // namespace
}  // namespace gannet

int main(int argc, char** argv) {
  gannet::BenchOptions options;
  CLI::App app("Training steps a second on one device");
  app.add_option("--model", options.model);
  app.add_option("--batch", options.batch, "images; 0: the largest power of two that fits");
  app.add_option("--size", options.size, "px");
  app.add_option("--precision", options.precision);
  app.add_option("--layout", options.layout, "channels_last or contiguous");
  app.add_option("--device", options.device);
  app.add_option("--steps", options.steps);
  app.add_option("--warmup", options.warmup);
  app.add_flag("--profile", options.profile);
  CLI11_PARSE(app, argc, argv);
  try {
    gannet::prepare_operator_threads();
    gannet::keep_tensor_memory();
    gannet::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
