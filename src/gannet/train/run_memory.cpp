#include "gannet/train/run_memory.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <utility>
#include <vector>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/memory.h"
#include "gannet/core/numeric.h"
#include "gannet/core/stopwatch.h"
#include "gannet/data/index/image_index.h"
#include "gannet/data/loading/loader.h"
#include "gannet/data/loading/resized_images.h"
#include "gannet/ops/accelerator.h"
#include "gannet/train/recipe.h"
#include "gannet/train/trial_steps.h"

namespace gannet {
namespace {

constexpr double kGib = 1 << 30;
constexpr double kBytesPerPixel = 3;
/// Of the weights beside those of a step: the average and the optimizer's state as a run goes back
/// to them, a checkpoint on its way to the disk, the best model at the end.
constexpr double kCopiesOfWeights = 6;
/// A thread's pictures in work: originals and the canvas of a mosaic, in images of the training
/// size.
constexpr double kImagesInWork = 12;

/// What steps leave behind for others of another shape, such as an evaluation's.
constexpr double kOtherShapes = 1.05;
/// Evaluation, drawn batches and curves.
constexpr double kDrawing = 24 << 20;

ImageIndex index_of(const DataDescription& description, const Settings& settings,
                    const char* split) {
  IndexOptions options;
  options.single_class = settings.train.single_cls;
  options.num_threads = std::max(1, settings.train.workers);
  return build_split_index(description, split, options);
}

/// The sizes that matter here, as a recipe that is still to decide will have them.
Settings foresee(const Settings& settings, const DataSummary& data) {
  Settings seen = settings;
  if (seen.wants_batch_size()) seen.train.batch_size = TrainSettings().batch_size;
  if (seen.train.recipe == "auto")
    for (const Decision& decision : decide_recipe(seen, data))
      assign_setting(seen, decision.key, decision.value);
  check_settings(seen);
  return seen;
}

int largest_side(const Settings& settings, int stride) {
  const int side = static_cast<int>(ceil_to_multiple(settings.train.img_size.at(0), stride));
  return settings.train.multi_scale ? (side * 3 / 2 + stride) / stride * stride : side;
}

/// What loaders keep, on the host.
void add_pictures(const Settings& settings, const ImageIndex& train, const ImageIndex& val,
                  MemoryNeed& need) {
  const TrainSettings& s = settings.train;
  const double pixels = kBytesPerPixel * s.img_size.at(0) * s.img_size.at(0),
               val_pixels = kBytesPerPixel * s.img_size.at(1) * s.img_size.at(1);
  if (s.cache_images == "ram")
    need.pictures += static_cast<double>(resized_bytes(train, s.img_size.at(0)) +
                                         resized_bytes(val, s.img_size.at(1)));
  need.pictures += kDrawing + kImagesInWork * s.workers * std::max(pixels, val_pixels);
  const int open = s.workers == 0 ? 1 : LoaderOptions().prefetch;
  need.per_image_waiting = (open + 1) * (pixels + settings.hyp.val_batch_factor * val_pixels);
}

std::string own_place(const Placement& placement) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("{}/{}", host.data(), placement.device.str());
}

/// Of the memory in which this rank computes its part: ranks of one machine or device share. All
/// look before anybody takes something.
double share_of_memory(const Placement& placement, Communicator& comm) {
  const double free = placement.uses_host_threads()
                          ? static_cast<double>(available_memory_bytes())
                          : static_cast<double>(free_device_memory_bytes(placement.device));
  const std::string place = own_place(placement);
  double least = free;
  int sharing = 0;
  for (const std::string& line : comm.gather("memory", fmt::format("{} {}", place, free))) {
    std::istringstream words(line);
    std::string other;
    double bytes = 0;
    words >> other >> bytes;
    if (other != place) continue;
    ++sharing;
    least = std::min(least, bytes);
  }
  const auto reserve = static_cast<double>(memory_reserve(static_cast<std::uint64_t>(least)));
  return (least - reserve) / sharing;
}

std::vector<RankMemory> gather_needs(const RunMemory& own, Communicator& comm) {
  const double fixed = own.need.at(0);
  std::vector<RankMemory> ranks;
  for (const std::string& line : comm.gather(
           "memory needs", fmt::format("{} {} {}", fixed, own.need.at(1) - fixed, own.limit))) {
    std::istringstream words(line);
    RankMemory rank;
    words >> rank.fixed >> rank.per_image >> rank.limit;
    ranks.push_back(rank);
  }
  return ranks;
}

void find_batch(Settings& settings, const RunMemory& memory, std::int64_t train_images, int side,
                Communicator& comm) {
  const BatchChoice choice = choose_batch(gather_needs(memory, comm), train_images);
  if (choice.batch == 0)
    throw Error(ErrorKind::kMemory,
                fmt::format("not even one image of {} px fits: {}", side, choice.reason),
                {{}, 0, "--batch-size"}, "use a smaller --img-size or model");
  settings.train.batch_size = choice.batch;
  if (comm.is_main()) log_info("batch {}: {}", choice.batch, choice.reason);
}

}  // namespace

std::string RunMemory::describe() const {
  std::string text = fmt::format("memory: about {:.2f}", need.at(images) / kGib);
  if (limit > 0) text += fmt::format(" of {:.2f}", limit / kGib);
  text += fmt::format(" GiB: a step of {:g} images {:.2f}", images, need.step_of(images) / kGib);
  for (const auto& [name, bytes] :
       {std::pair("program", need.program), std::pair("copies of the weights", need.weights),
        std::pair("pictures", need.pictures_of(images))})
    if (bytes > 0) text += fmt::format(", {} {:.2f}", name, bytes / kGib);
  if (!shortened.empty()) text += fmt::format(" ({})", shortened);
  return text;
}

RunMemory plan_memory(Settings& settings, const DataDescription& description,
                      const DetectionModel& model, const Placement& placement, Communicator& comm) {
  const Stopwatch watch;
  RunMemory memory;
  ImageIndex train, val;
  comm.one_first("a look at the images", [&] {
    train = index_of(description, settings, "train");
    val = index_of(description, settings, "val");
  });
  const Settings seen = foresee(settings, summarise(train, description.num_classes));
  const int side = largest_side(seen, model.max_stride());
  const double share = share_of_memory(placement, comm);
  const TrialReport trial = try_steps(seen, model, placement, side, share / 2);
  fit_steps(trial.seen, memory.need);
  if (trial.too_large) memory.shortened = "measured with small images: larger ones may not fit";
  if (trial.too_slow) memory.shortened = "measured with few images, as steps are slow";
  memory.limit = share;
  if (placement.uses_host_threads()) {
    memory.need.step *= kOtherShapes;
    memory.need.per_image *= kOtherShapes;
    give_back_freed_memory();
    memory.need.program = static_cast<double>(resident_memory_bytes());
    memory.limit += memory.need.program;
    memory.need.weights = kCopiesOfWeights * weight_bytes(model);
    add_pictures(seen, train, val, memory.need);
  }
  for (const StepMemory& step : trial.seen)
    log_debug("memory: a step of {:g} images took {:.3f} GiB", step.images, step.bytes / kGib);
  log_debug("memory: steps were tried for {:.1f} s", watch.seconds());
  if (settings.wants_batch_size())
    find_batch(settings, memory, static_cast<std::int64_t>(train.images.size()), side, comm);
  memory.images = std::ceil(static_cast<double>(settings.train.batch_size) / comm.world_size());
  return memory;
}

}  // namespace gannet
