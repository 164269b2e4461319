#include "gannet/train/few_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/train/shards.h"

namespace gannet {
namespace {

constexpr std::int64_t kLeastValues = 4;

// Cells of the deepest map in the smallest batch.
std::int64_t least_cells(const Settings& settings, const RunData& data, int stride) {
  const auto cells_of = [&](int side) {
    return static_cast<std::int64_t>(
        ceil_to_multiple(settings.train.multi_scale ? side / 2 : side, stride) / stride);
  };
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const BatchPlan& batch : data.train_plans(0))
    least = std::min(least, cells_of(batch.height) * cells_of(batch.width));
  return least;
}

}  // namespace

void avoid_few_values(const Settings& settings, RunData& data, DetectionModel& model,
                      const Communicator& comm) {
  const TrainSettings& train = settings.train;
  const std::int64_t cells = least_cells(settings, data, model.max_stride()),
                     needed = (kLeastValues + cells - 1) / cells;
  if (needed == 1) return;
  if (!settings.compat_original()) model.require_norm_values(kLeastValues);
  const int shares = train.sync_bn ? 1 : train.deterministic ? kNumShards : comm.world_size();
  const std::string what =
      fmt::format("the deepest map of images of {} px{} has {} cell{}", data.image_size(),
                  train.multi_scale ? " with --multi-scale" : "", cells, cells == 1 ? "" : "s");
  const std::int64_t most = (train.batch_size + shares - 1) / shares;
  const bool all_fit = train.batch_size / shares >= needed;
  if (most >= needed && !all_fit)
    throw Error(ErrorKind::kUsage,
                fmt::format("{}, and {} images over {} shares give some of them less than the {} "
                            "that batch norm needs",
                            what, train.batch_size, shares, needed),
                {{}, 0, "--batch-size"}, "take a larger --img-size or --batch-size");
  const std::int64_t batches = data.batches_per_epoch();
  if (all_fit) data.merge_batches_below(static_cast<std::size_t>(needed * shares));
  if (!comm.is_main()) return;
  if (!all_fit)
    log_warning(
        "{}, too few for batch norm with {} images a share: it keeps its statistics there "
        "(a larger --img-size, or {} images a share, learn better)",
        what, most, needed);
  if (data.batches_per_epoch() < batches)
    log_info("{}: the last batch has too few images for batch norm and joins the one before it",
             what);
}

}  // namespace gannet
