// Which predictions answer for which ground-truth boxes (RB 5.1).
#pragma once

#include <torch/types.h>

#include <vector>

#include "gannet/core/head_spec.h"

namespace gannet {

/// Matches of one level, M rows in the original's order.
struct LevelMatches {
  torch::Tensor image, anchor, row, column;  // (M) int64
  torch::Tensor class_id;                    // (M) int64
  torch::Tensor box_cxcywh;                  // (M, 4) in cells, centre relative to its cell
  torch::Tensor anchor_cells;                // (M, 2) size of the matched anchor in cells
  std::int64_t count() const { return image.size(0); }
};

struct AssignOptions {
  double anchor_threshold = 4.0;   // largest side ratio between box and anchor
  bool edges_count_twice = false;  // repeat R04: a centre on a cell's edge takes its cell twice
};

/// @param targets_N6 rows (image, class, cx, cy, w, h), normalised by the image size
/// @param raw per level (B, A, H, W, V); only shapes, device and dtype are used
/// @return per level; no targets give empty matches. Cells are clamped to the grid (Q41).
std::vector<LevelMatches> assign_targets(const torch::Tensor& targets_N6,
                                         const std::vector<torch::Tensor>& raw,
                                         const HeadSpec& head, const AssignOptions& options);

}  // namespace gannet
