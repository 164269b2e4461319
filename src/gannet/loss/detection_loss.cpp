#include "gannet/loss/detection_loss.h"

#include <torch/types.h>

#include "gannet/ops/boxes.h"

namespace gannet {
namespace {

torch::Dtype at_least_float32(torch::Dtype dtype) {
  return dtype == torch::kBFloat16 || dtype == torch::kFloat16 ? torch::kFloat32 : dtype;
}

torch::Tensor at_least_float32(const torch::Tensor& x) {
  return x.to(at_least_float32(x.scalar_type()));
}

torch::TensorOptions compute_options(const std::vector<torch::Tensor>& raw) {
  return raw.front().options().dtype(at_least_float32(raw.front().scalar_type()));
}

// Objectness targets of all cells: at several matches of one cell the last in order wins, on every
// device.
torch::Tensor objectness_targets(const torch::Tensor& cell, const torch::Tensor& overlap,
                                 std::int64_t num_cells, double ratio) {
  auto target = torch::zeros({num_cells}, overlap.options());
  const auto order = torch::arange(cell.size(0), cell.options());
  const auto last =
      torch::full({num_cells}, -1, cell.options()).scatter_reduce(0, cell, order, "amax");
  const auto winner = last.index_select(0, cell).eq(order);
  const auto value = (1 - ratio) + ratio * overlap.clamp_min(0);
  // A losing match adds nothing, so the sum over a cell is its winner's value.
  return target.scatter_add_(0, cell, torch::where(winner, value, torch::zeros_like(value)));
}

// (M, V)
torch::Tensor matched_predictions(const std::vector<torch::Tensor>& raw, const LossTargets& t) {
  const LevelMatches& m = t.matches;
  std::vector<torch::Tensor> rows;
  std::int64_t begin = 0;
  for (std::size_t l = 0; l < raw.size(); ++l) {
    const std::int64_t end = begin + t.matches_of_level[l];
    const auto part = [&](const torch::Tensor& index) { return index.slice(0, begin, end); };
    if (begin < end)
      rows.push_back(raw[l].index({part(m.image), part(m.anchor), part(m.row), part(m.column)}));
    begin = end;
  }
  return at_least_float32(torch::cat(rows));
}

/// Sums of each level over this rank; divided by global counts later.
struct LevelSums {
  std::vector<torch::Tensor> box, objectness, classes;
};

std::vector<torch::Tensor> sums_of_levels(const torch::Tensor& values,
                                          const std::vector<std::int64_t>& lengths) {
  std::vector<torch::Tensor> sums;
  for (const auto& part : values.split_with_sizes(lengths)) sums.push_back(part.sum());
  return sums;
}

// All levels at once: a device is called once where it would be called for each.
LevelSums level_sums(const std::vector<torch::Tensor>& raw, const LossTargets& t,
                     const LossOptions& o) {
  LevelSums sums;
  std::vector<torch::Tensor> logits_of_levels;
  std::vector<std::int64_t> cells;
  for (const auto& level : raw) {
    logits_of_levels.push_back(level.select(4, 4).reshape({-1}));
    cells.push_back(logits_of_levels.back().size(0));
  }
  const auto objectness = at_least_float32(torch::cat(logits_of_levels));
  auto target = torch::zeros_like(objectness);
  const LevelMatches& m = t.matches;
  if (m.count() > 0) {
    const auto matched = matched_predictions(raw, t);
    const auto centre = matched.slice(1, 0, 2).sigmoid() * 2 - 0.5;
    const auto size = (matched.slice(1, 2, 4).sigmoid() * 2).square() * m.anchor_cells;
    const auto overlap = paired_iou_cxcywh(torch::cat({centre, size}, 1), m.box_cxcywh,
                                           o.box_overlap, o.iou_epsilon);
    sums.box = sums_of_levels(1 - overlap, t.matches_of_level);
    target = objectness_targets(t.cell, overlap.detach(), objectness.size(0), o.overlap_ratio);
    const auto logits = matched.slice(1, 5);
    if (logits.size(1) > 1) {
      auto one_hot = torch::full_like(logits, o.label_smoothing / 2);
      one_hot.scatter_(1, m.class_id.unsqueeze(1), 1 - o.label_smoothing / 2);
      sums.classes = sums_of_levels(
          elementwise_cross_entropy(logits, one_hot, {o.class_positive_weight, o.focal_gamma}),
          t.matches_of_level);
    }
  }
  sums.objectness = sums_of_levels(
      elementwise_cross_entropy(objectness, target, {o.objectness_positive_weight, o.focal_gamma}),
      cells);
  return sums;
}

LossCounts counts_of(const std::vector<LevelMatches>& matches,
                     const std::vector<torch::Tensor>& raw) {
  LossCounts counts;
  for (const LevelMatches& level : matches)
    counts.numbers.push_back(static_cast<double>(level.count()));
  for (const auto& level : raw)
    counts.numbers.push_back(static_cast<double>(level.numel() / level.size(4)));
  counts.numbers.push_back(static_cast<double>(raw.front().size(0)));
  return counts;
}

// The cells of the matches of a level among those of all levels, of which `begin` come before it.
torch::Tensor cells_of(const LevelMatches& m, const torch::Tensor& raw, std::int64_t begin) {
  return ((m.image * raw.size(1) + m.anchor) * raw.size(2) + m.row) * raw.size(3) + m.column +
         begin;
}

// All levels one after the other, moved in two copies: whole numbers and others.
LossTargets targets_of(const std::vector<LevelMatches>& levels,
                       const std::vector<torch::Tensor>& raw) {
  LossTargets targets;
  targets.counts = counts_of(levels, raw);
  std::vector<torch::Tensor> whole, real;
  std::int64_t begin = 0;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const LevelMatches& m = levels[l];
    targets.matches_of_level.push_back(m.count());
    whole.push_back(
        torch::stack({m.image, m.anchor, m.row, m.column, m.class_id, cells_of(m, raw[l], begin)}));
    real.push_back(torch::cat({m.box_cxcywh, m.anchor_cells}, 1));
    begin += raw[l].numel() / raw[l].size(4);
  }
  const auto device = raw.front().device();
  const auto w = torch::cat(whole, 1).to(device, torch::kInt64, /*non_blocking=*/true),
             r = torch::cat(real).to(device, real.front().scalar_type(), /*non_blocking=*/true);
  targets.matches = {w[0], w[1], w[2], w[3], w[4], r.slice(1, 0, 4), r.slice(1, 4)};
  targets.cell = w[5];
  return targets;
}

}  // namespace

torch::Tensor elementwise_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets,
                                        const BceOptions& o) {
  const auto weight = o.positive_weight == 1
                          ? torch::Tensor()
                          : torch::full({1}, o.positive_weight, logits.options());
  const auto loss =
      torch::binary_cross_entropy_with_logits(logits, targets, {}, weight, torch::Reduction::None);
  if (o.gamma <= 0) return loss;
  const auto probability = logits.sigmoid();
  const auto correct = targets * probability + (1 - targets) * (1 - probability);
  const auto balance = targets * o.alpha + (1 - targets) * (1 - o.alpha);
  return loss * balance * (1 - correct).pow(o.gamma);
}

torch::Tensor blurred_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets,
                                    double alpha) {
  const auto loss = elementwise_cross_entropy(logits, targets, {});
  const auto excess = logits.sigmoid() - targets;
  return (loss * (1 - ((excess - 1) / (alpha + 1e-4)).exp())).mean();
}

LossTargets DetectionLoss::assign(const std::vector<torch::Tensor>& raw,
                                  const torch::Tensor& targets_N6, const HeadSpec& head) const {
  const auto compute = compute_options(raw);
  return targets_of(assign_targets(targets_N6.to(compute.device(targets_N6.device())), raw, head,
                                   {options_.anchor_threshold, options_.edges_count_twice}),
                    raw);
}

LossCounts DetectionLoss::count(const torch::Tensor& targets_N6,
                                const std::array<std::int64_t, 3>& shape,
                                const HeadSpec& head) const {
  const auto [images, height, width] = shape;
  std::vector<torch::Tensor> grids;  // only their shapes count: one value, seen as many
  for (std::size_t l = 0; l < head.strides.size(); ++l) {
    const auto stride = static_cast<std::int64_t>(head.strides[l]);
    const auto anchors = static_cast<std::int64_t>(head.anchors_px[l].size());
    grids.push_back(
        torch::zeros({1}, targets_N6.options())
            .expand({images, anchors, height / stride, width / stride, head.num_classes + 5}));
  }
  return counts_of(assign_targets(targets_N6, grids, head,
                                  {options_.anchor_threshold, options_.edges_count_twice}),
                   grids);
}

LossParts DetectionLoss::operator()(const std::vector<torch::Tensor>& raw,
                                    const LossTargets& targets, const LossCounts& counts) const {
  const auto compute = compute_options(raw);
  auto box = torch::zeros({}, compute), objectness = box, classes = box;
  const LevelSums sums = level_sums(raw, targets, options_);
  for (std::size_t l = 0; l < raw.size(); ++l) {
    const double num_matches = std::max(counts.matches(l), 1.0);
    const auto num_classes = static_cast<double>(raw[l].size(4) - 5);
    if (!sums.box.empty()) box = box + sums.box[l] / num_matches;
    if (!sums.classes.empty()) classes = classes + sums.classes[l] / (num_matches * num_classes);
    const double balance = options_.level_balance.empty() ? 1 : options_.level_balance.at(l);
    objectness = objectness + sums.objectness[l] / (counts.cells(l) / balance);
  }
  const double per_level = 3.0 / static_cast<double>(raw.size());
  box = box * (options_.box_gain * per_level);
  objectness = objectness * (options_.objectness_gain * per_level);
  classes = classes * (options_.class_gain * per_level);
  const auto sum = box + objectness + classes;
  const auto items =
      torch::stack({box.detach(), objectness.detach(), classes.detach(), sum.detach()});
  return {sum * counts.images(), items};
}

LossParts DetectionLoss::operator()(const std::vector<torch::Tensor>& raw,
                                    const torch::Tensor& targets_N6, const HeadSpec& head) const {
  const LossTargets targets = assign(raw, targets_N6, head);
  return (*this)(raw, targets, targets.counts);
}

}  // namespace gannet
