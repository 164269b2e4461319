// S shards, P values of gradients and statistics together.
#include "gannet/train/shards.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

#include "gannet/core/error.h"
#include "gannet/ops/side_by_side.h"
#include "gannet/train/numeric_health.h"

namespace gannet {
namespace {

// Values that are cut as evenly as whole numbers allow, the first parts larger.
std::int64_t bound(std::int64_t count, std::int64_t parts, std::int64_t part) {
  return part * (count / parts) + std::min(part, count % parts);
}

std::vector<torch::Tensor> trained_parameters(const DetectionModel& model) {
  std::vector<torch::Tensor> trained;
  for (const auto& p : model.parameters())
    if (p.requires_grad()) trained.push_back(p);
  return trained;
}

std::vector<torch::Tensor> floating_buffers(const DetectionModel& model) {
  std::vector<torch::Tensor> floating;
  for (const auto& b : model.buffers())
    if (b.is_floating_point()) floating.push_back(b);
  return floating;
}

}  // namespace

std::vector<std::int64_t> shard_bounds(std::int64_t images) {
  std::vector<std::int64_t> bounds;
  for (int shard = 0; shard <= kNumShards; ++shard)
    bounds.push_back(bound(images, kNumShards, shard));
  return bounds;
}

ShardRange shards_of_rank(int rank, int world_size) {
  return {static_cast<int>(bound(kNumShards, world_size, rank)),
          static_cast<int>(bound(kNumShards, world_size, rank + 1))};
}

BatchPlan share_of_shards(const BatchPlan& plan, int rank, int world_size) {
  const auto bounds = shard_bounds(static_cast<std::int64_t>(plan.indices.size()));
  const ShardRange own = shards_of_rank(rank, world_size);
  BatchPlan share = plan;
  const auto first = bounds[static_cast<std::size_t>(own.first)],
             end = bounds[static_cast<std::size_t>(own.end)];
  share.indices.assign(plan.indices.begin() + first, plan.indices.begin() + end);
  if (!plan.copies.empty())
    share.copies.assign(plan.copies.begin() + first, plan.copies.begin() + end);
  share.first_image = first;
  share.global_images = static_cast<std::int64_t>(plan.indices.size());
  return share;
}

ShardedStep::ShardedStep(DetectionModel& model, const DetectionLoss& loss,
                         const Placement& placement, Communicator& comm, int num_threads)
    : model_(model),
      loss_(loss),
      placement_(placement),
      comm_(comm),
      num_threads_(num_threads),
      own_(shards_of_rank(comm.rank(), comm.world_size())),
      parameters_(trained_parameters(model)),
      buffers_(floating_buffers(model)) {
  for (int shard = own_.first; shard < own_.end; ++shard) replicas_.push_back(make_replica());
}

ShardedStep::Replica ShardedStep::make_replica() const {
  const torch::NoGradGuard no_grad;
  Replica replica;
  replica.model = std::make_shared<DetectionModel>(
      model_.description(),
      ModelOptions{.num_classes = model_.head().num_classes, .draw_weights = false});
  const auto source = model_.parameters(), target = replica.model->parameters();
  for (std::size_t i = 0; i < source.size(); ++i) {
    target[i].set_data(source[i].detach());
    target[i].set_requires_grad(source[i].requires_grad());
  }
  const auto from = model_.buffers(), to = replica.model->buffers();
  for (std::size_t i = 0; i < from.size(); ++i) to[i].set_data(from[i].detach().clone());
  replica.model->detect().set_anchors(model_.head());
  replica.model->train();
  replica.parameters = trained_parameters(*replica.model);
  replica.buffers = floating_buffers(*replica.model);
  for (auto& p : replica.parameters) p.mutable_grad() = torch::zeros_like(p);
  return replica;
}

LossCounts ShardedStep::cut(const torch::Tensor& images, const torch::Tensor& targets_N6,
                            std::int64_t global_images) {
  const auto bounds = shard_bounds(global_images);
  const std::int64_t first_image = bounds[static_cast<std::size_t>(own_.first)];
  const auto count = [&](const torch::Tensor& targets, std::int64_t num_images) {
    return loss_.count(targets, {num_images, images.size(2), images.size(3)}, model_.head());
  };
  LossCounts counts = count(targets_N6.slice(0, 0, 0), 0);  // nothing yet
  works_.clear();
  for (int shard = own_.first; shard < own_.end; ++shard) {
    const std::int64_t begin = bounds[static_cast<std::size_t>(shard)] - first_image,
                       end = bounds[static_cast<std::size_t>(shard) + 1] - first_image;
    Work work;
    work.replica = &replicas_[static_cast<std::size_t>(shard - own_.first)];
    work.items = torch::zeros({4}, torch::kFloat64);
    work.images = images.slice(0, begin, end);
    const auto image = targets_N6.select(1, 0);
    work.targets_N6 =
        targets_N6.index({(image >= begin).logical_and(image < end)}).to(placement_.parameters);
    work.targets_N6.select(1, 0).sub_(static_cast<double>(begin));
    const LossCounts own = count(work.targets_N6, end - begin);
    for (std::size_t i = 0; i < own.numbers.size(); ++i) counts.numbers[i] += own.numbers[i];
    works_.push_back(std::move(work));
  }
  return counts;
}

std::array<double, 4> ShardedStep::run(const LossCounts& counts, const LossFactors& factors,
                                       const LayerTrace& trace) {
  for_each_side_by_side(static_cast<int>(works_.size()), num_threads_, [&](int i) {
    compute(works_[static_cast<std::size_t>(i)], counts, factors, i == 0 ? trace : LayerTrace());
  });
  auto items_S4 = torch::zeros({kNumShards, 4}, torch::kFloat64);
  for (std::size_t i = 0; i < works_.size(); ++i)
    items_S4[own_.first + static_cast<std::int64_t>(i)].copy_(works_[i].items);
  items_S4 = comm_.sum("shard.items", items_S4);
  std::array<double, 4> sums{};
  for (int shard = 0; shard < kNumShards; ++shard)
    for (std::size_t i = 0; i < sums.size(); ++i)
      sums[i] += items_S4[shard][static_cast<std::int64_t>(i)].item<double>();
  return sums;
}

void ShardedStep::compute(Work& work, const LossCounts& counts, const LossFactors& factors,
                          const LayerTrace& trace) const {
  if (work.images.size(0) == 0) return;
  std::vector<torch::Tensor> raw;
  {
    const AutocastScope autocast(placement_);
    raw = work.replica->model->forward(work.images, trace);
  }
  const LossParts loss = loss_(raw, loss_.assign(raw, work.targets_N6, model_.head()), counts);
  work.items = loss.items.to(torch::kCPU, torch::kFloat64).mul(factors.told);
  const auto total = nan_unless_finite(loss.total);
  (factors.backward == 1 ? total : total * factors.backward).backward();
}

torch::Tensor ShardedStep::flatten(const Replica& replica) const {
  std::vector<torch::Tensor> parts;
  for (const auto& p : replica.parameters) parts.push_back(p.grad().flatten());
  for (const auto& b : replica.buffers) parts.push_back(b.flatten());
  return torch::cat(parts);
}

// Sums start from +0, so that a shard's -0 gives the same bits whether it came from another rank or
// not.
void ShardedStep::combine() {
  const torch::NoGradGuard no_grad;
  torch::Tensor shards_SP;
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    const auto flat = flatten(replicas_[i]);
    if (!shards_SP.defined()) shards_SP = torch::zeros({kNumShards, flat.size(0)}, flat.options());
    shards_SP[own_.first + static_cast<std::int64_t>(i)].copy_(flat);
  }
  if (!shards_SP.defined())
    shards_SP = torch::zeros({kNumShards, flatten(make_replica()).size(0)},
                             parameters_.front().options().requires_grad(false));
  shards_SP = comm_.sum("shards", shards_SP);
  auto sum = torch::zeros_like(shards_SP[0]);
  for (int shard = 0; shard < kNumShards; ++shard) sum.add_(shards_SP[shard]);

  std::int64_t at = 0;
  const auto take = [&](const torch::Tensor& like) {
    at += like.numel();
    return sum.slice(0, at - like.numel(), at).reshape(like.sizes());
  };
  for (auto& p : parameters_) {
    if (!p.grad().defined()) p.mutable_grad() = torch::zeros_like(p);
    p.mutable_grad().copy_(take(p));
  }
  for (auto& b : buffers_) b.copy_(take(b) / kNumShards);
  for (const Replica& replica : replicas_)
    for (const auto& p : replica.parameters) p.grad().zero_();
  take_statistics();
}

void ShardedStep::take_statistics() {
  const torch::NoGradGuard no_grad;
  for (const Replica& replica : replicas_)
    for (std::size_t i = 0; i < buffers_.size(); ++i)
      torch::Tensor(replica.buffers[i]).copy_(buffers_[i]);
}

}  // namespace gannet
