#include "gannet/data/loading/sampler.h"

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
    plan.global_images = static_cast<std::int64_t>(plan.indices.size());
    plans.push_back(std::move(plan));
  }
  return plans;
}

/// Indices by weight, drawn with replacement.
std::vector<std::int64_t> draw_weighted(std::vector<double> weights, std::size_t count, Rng rng) {
  if (std::none_of(weights.begin(), weights.end(), [](double w) { return w > 0; })) {
    std::fill(weights.begin(), weights.end(), 1.0);
  }
  std::vector<double> sums(weights.size());
  std::partial_sum(weights.begin(), weights.end(), sums.begin());
  std::vector<std::int64_t> drawn(count);
  for (std::int64_t& index : drawn) {
    // Rounding must not reach the whole sum, which no image is above.
    const double at = std::min(rng.uniform() * sums.back(), std::nextafter(sums.back(), 0.0));
    index = std::upper_bound(sums.begin(), sums.end(), at) - sums.begin();
  }
  return drawn;
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

std::vector<BatchPlan> merge_small_batch(std::vector<BatchPlan> plans, std::size_t least) {
  if (plans.size() < 2 || plans.back().indices.size() >= least) return plans;
  const BatchPlan small = std::move(plans.back());
  plans.pop_back();
  BatchPlan& last = plans.back();
  last.indices.insert(last.indices.end(), small.indices.begin(), small.indices.end());
  last.copies.insert(last.copies.end(), small.copies.begin(), small.copies.end());
  last.height = std::max(last.height, small.height);
  last.width = std::max(last.width, small.width);
  last.global_images = static_cast<std::int64_t>(last.indices.size());
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

std::vector<BatchPlan> plan_weighted(const SamplerOptions& options,
                                     const std::vector<double>& weights, std::uint64_t epoch) {
  const auto count = static_cast<std::size_t>(options.num_images);
  GANNET_CHECK(weights.size() == count, "every image needs a weight");
  GANNET_CHECK(std::all_of(weights.begin(), weights.end(), [](double w) { return w >= 0; }),
               "weights must not be negative");
  const Rng rng({options.seed, epoch, 0, Purpose::kImageWeights});
  std::vector<BatchPlan> plans = cut(draw_weighted(weights, count, rng), options.batch_size);
  std::vector<std::uint64_t> num_seen(count, 0);
  for (BatchPlan& plan : plans) {
    plan.height = plan.width = options.image_size;
    for (const std::int64_t i : plan.indices) {
      plan.copies.push_back(num_seen[static_cast<std::size_t>(i)]++);
    }
  }
  return plans;
}

BatchPlan deal(const BatchPlan& plan, int rank, int world_size) {
  GANNET_CHECK(0 <= rank && rank < world_size, "no such rank");
  const auto size = static_cast<std::int64_t>(plan.indices.size());
  const std::int64_t share = size / world_size, rest = size % world_size;
  const std::int64_t begin = rank * share + std::min<std::int64_t>(rank, rest);
  const std::int64_t end = begin + share + (rank < rest ? 1 : 0);
  BatchPlan part = plan;
  part.first_image = plan.first_image + begin;
  part.indices.assign(plan.indices.begin() + begin, plan.indices.begin() + end);
  if (!plan.copies.empty()) {
    part.copies.assign(plan.copies.begin() + begin, plan.copies.begin() + end);
  }
  return part;
}

std::vector<BatchPlan> deal(const std::vector<BatchPlan>& plans, int rank, int world_size) {
  std::vector<BatchPlan> parts;
  parts.reserve(plans.size());
  for (const BatchPlan& plan : plans) parts.push_back(deal(plan, rank, world_size));
  return parts;
}

}  // namespace gannet
