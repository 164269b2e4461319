#include "gannet/loss/assign.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace gannet {
namespace {

using torch::indexing::None;

// (A, 2) anchor sizes of a level in cells, rounded to float32 as the original stores them.
torch::Tensor anchors_in_cells(const HeadSpec& head, std::size_t level,
                               const torch::TensorOptions& options) {
  std::vector<float> sides;
  for (const auto& anchor : head.anchors_px[level])
    for (const float side : anchor) sides.push_back(side / static_cast<float>(head.strides[level]));
  return torch::tensor(sides).to(options).reshape({-1, 2});
}

// A matched target also answers for the neighbour cell on each axis that its centre is nearer to.
// Copies come as blocks: centre, left, up, right, down.
struct Neighbours {
  torch::Tensor row;     // which match each copy comes from
  torch::Tensor offset;  // (copies, 2) how far its cell lies from the centre's, in cells
};

Neighbours add_neighbours(const torch::Tensor& centre_xy, const torch::Tensor& grid_wh,
                          bool edges_count_twice) {
  constexpr double kReach = 0.5;
  const auto fraction = centre_xy.remainder(1.0);
  const auto low = (fraction < kReach).logical_and(centre_xy > 1);
  const auto nearer_to_next =
      edges_count_twice ? (grid_wh - centre_xy).remainder(1.0) < kReach : fraction > kReach;
  const auto high = nearer_to_next.logical_and(centre_xy < grid_wh - 1);
  const auto all = torch::ones_like(low.select(1, 0));
  const auto chosen =
      torch::stack({all, low.select(1, 0), low.select(1, 1), high.select(1, 0), high.select(1, 1)});
  const auto where = chosen.nonzero();  // block-major, then match order
  const auto offsets =
      torch::tensor({0.0, 0.0, 1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0}, torch::kFloat64)
          .to(centre_xy.options())
          .reshape({5, 2}) *
      kReach;
  return {where.select(1, 1), offsets.index_select(0, where.select(1, 0))};
}

LevelMatches assign_level(const torch::Tensor& targets, const torch::Tensor& raw,
                          const torch::Tensor& anchors, const AssignOptions& options) {
  const auto height = raw.size(2), width = raw.size(3);
  const auto grid_wh = torch::tensor({width, height}).to(targets.options());
  const auto centre = targets.slice(1, 2, 4) * grid_wh;  // (N, 2)
  const auto size = targets.slice(1, 4, 6) * grid_wh;

  const auto ratio = size.unsqueeze(0) / anchors.unsqueeze(1);  // (A, N, 2)
  const auto worst = torch::max(ratio, ratio.reciprocal()).amax(2);
  const auto kept = (worst < options.anchor_threshold).nonzero();  // anchor-major
  const auto anchor = kept.select(1, 0), target = kept.select(1, 1);

  const auto kept_centre = centre.index_select(0, target);
  const Neighbours copies = add_neighbours(kept_centre, grid_wh, options.edges_count_twice);
  const auto source = target.index_select(0, copies.row);
  const auto copy_centre = kept_centre.index_select(0, copies.row);
  const auto cell = (copy_centre - copies.offset).trunc();
  const auto column = cell.select(1, 0).clamp(0, width - 1),
             row = cell.select(1, 1).clamp(0, height - 1);

  LevelMatches matches;
  matches.image = targets.select(1, 0).index_select(0, source).to(torch::kInt64);
  matches.class_id = targets.select(1, 1).index_select(0, source).to(torch::kInt64);
  matches.anchor = anchor.index_select(0, copies.row);
  matches.row = row.to(torch::kInt64);
  matches.column = column.to(torch::kInt64);
  matches.box_cxcywh =
      torch::cat({copy_centre - torch::stack({column, row}, 1), size.index_select(0, source)}, 1);
  matches.anchor_cells = anchors.index_select(0, matches.anchor);
  return matches;
}

}  // namespace

std::vector<LevelMatches> assign_targets(const torch::Tensor& targets_N6,
                                         const std::vector<torch::Tensor>& raw,
                                         const HeadSpec& head, const AssignOptions& options) {
  const torch::NoGradGuard no_grad;
  std::vector<LevelMatches> levels;
  for (std::size_t l = 0; l < raw.size(); ++l) {
    const auto tensor_options = targets_N6.options();
    levels.push_back(
        assign_level(targets_N6, raw[l], anchors_in_cells(head, l, tensor_options), options));
  }
  return levels;
}

}  // namespace gannet
