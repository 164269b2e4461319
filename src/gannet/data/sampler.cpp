#include "gannet/data/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/rng.h"

namespace gannet {
namespace {

std::vector<BatchPlan> cut(const std::vector<std::int64_t>& order, int batch_size) {
  GANNET_CHECK(batch_size > 0, "batches need at least one image");
  const auto size = static_cast<std::size_t>(batch_size);
  std::vector<BatchPlan> plans;
  for (std::size_t begin = 0; begin < order.size(); begin += size) {
    BatchPlan plan;
    plan.number = static_cast<std::int64_t>(plans.size());
    const std::size_t end = std::min(begin + size, order.size());
    plan.indices.assign(order.begin() + static_cast<std::ptrdiff_t>(begin),
                        order.begin() + static_cast<std::ptrdiff_t>(end));
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace

std::vector<BatchPlan> plan_epoch(const SamplerOptions& options, std::uint64_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(options.num_images));
  if (options.shuffle) {
    order = permutation(options.num_images, {options.seed, epoch, 0, Purpose::kOrder});
  } else {
    std::iota(order.begin(), order.end(), std::int64_t{0});
  }
  std::vector<BatchPlan> plans = cut(order, options.batch_size);
  for (BatchPlan& plan : plans) plan.height = plan.width = options.image_size;
  return plans;
}

std::vector<BatchPlan> plan_rectangular(const std::vector<double>& aspect_ratios, int batch_size,
                                        int image_size, int stride, double pad) {
  const auto ratio = [&](std::int64_t i) { return aspect_ratios[static_cast<std::size_t>(i)]; };
  std::vector<std::int64_t> order(aspect_ratios.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return ratio(a) < ratio(b); });
  const auto side = [&](double share) {
    return static_cast<int>(std::ceil(share * image_size / stride + pad)) * stride;
  };
  std::vector<BatchPlan> plans = cut(order, batch_size);
  for (BatchPlan& plan : plans) {
    const double lowest = ratio(plan.indices.front()), highest = ratio(plan.indices.back());
    plan.height = side(highest < 1 ? highest : 1.0);
    plan.width = side(lowest > 1 ? 1 / lowest : 1.0);
  }
  return plans;
}

std::vector<BatchPlan> shuffle_batches(std::vector<BatchPlan> plans, std::uint64_t seed,
                                       std::uint64_t epoch) {
  const auto count = static_cast<std::int64_t>(plans.size());
  std::vector<BatchPlan> shuffled;
  shuffled.reserve(plans.size());
  for (const std::int64_t i : permutation(count, {seed, epoch, 0, Purpose::kOrder})) {
    shuffled.push_back(std::move(plans[static_cast<std::size_t>(i)]));
    shuffled.back().number = static_cast<std::int64_t>(shuffled.size()) - 1;
  }
  return shuffled;
}

}  // namespace gannet
