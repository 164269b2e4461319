#include "gannet/train/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gannet {
namespace {

constexpr double kGib = 1 << 30;

std::int64_t most_images(const RankMemory& rank) {
  const double left = rank.limit - rank.fixed;
  return left <= 0 ? 0
                   : static_cast<std::int64_t>(std::floor(left / std::max(rank.per_image, 1.0)));
}

}  // namespace

void fit_steps(const std::vector<StepMemory>& seen, MemoryNeed& need) {
  const StepMemory& last = seen.back();
  need.per_image = last.bytes / last.images;
  if (seen.size() > 1) {
    const StepMemory& other = seen[seen.size() - 2];
    need.per_image = std::max(0.0, (last.bytes - other.bytes) / (last.images - other.images));
  }
  need.step = std::max(0.0, last.bytes - need.per_image * last.images);
}

BatchChoice choose_batch(const std::vector<RankMemory>& ranks, std::int64_t train_images) {
  const auto world = static_cast<std::int64_t>(ranks.size());
  const RankMemory& tightest = *std::min_element(
      ranks.begin(), ranks.end(),
      [](const RankMemory& a, const RankMemory& b) { return most_images(a) < most_images(b); });
  const std::int64_t by_memory = most_images(tightest),
                     by_set = std::max<std::int64_t>(1, train_images / world),
                     by_habit = std::max<std::int64_t>(1, kLargestAutoBatch / world);
  const std::int64_t images = std::min({by_memory, by_set, by_habit});
  const double gib = (tightest.fixed + tightest.per_image * static_cast<double>(images)) / kGib;
  const std::string share =
      world == 1 ? "" : fmt::format("{} images in each of {} processes, ", images, world);
  const std::string why =
      images == by_memory
          ? fmt::format("an image more takes {:.3f} more", tightest.per_image / kGib)
      : images == by_set ? fmt::format("the training set has {} images", train_images)
                         : fmt::format("more than {} are not tried", kLargestAutoBatch);
  return {static_cast<int>(images * world),
          fmt::format("{}{:.2f} of {:.2f} GiB; {}", share, gib, tightest.limit / kGib, why)};
}

}  // namespace gannet
