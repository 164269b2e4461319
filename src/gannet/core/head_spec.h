// The shape of a detection head: what the network, the loss, the decoding and the anchor search
// share.
#pragma once

#include <array>
#include <vector>

namespace gannet {

/// Anchors are (width, height) in input pixels; level i works at `strides[i]` pixels per cell.
struct HeadSpec {
  int num_classes = 80;
  std::vector<double> strides;                                // L
  std::vector<std::vector<std::array<float, 2>>> anchors_px;  // L x A
  int num_levels() const { return static_cast<int>(anchors_px.size()); }
  int anchors_per_level() const {
    return anchors_px.empty() ? 0 : static_cast<int>(anchors_px.front().size());
  }
  int values_per_anchor() const { return num_classes + 5; }
};

}  // namespace gannet
