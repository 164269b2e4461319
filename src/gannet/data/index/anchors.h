// How well a head's anchors fit the boxes of a data set, and the search for better ones (RB 4; Q33
// and Q34 as they should be).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "gannet/core/head_spec.h"
#include "gannet/data/index/image_index.h"

namespace gannet {

/// Width and height in pixels.
using BoxSize = std::array<double, 2>;
using AnchorSize = std::array<float, 2>;

/// Sizes of all labelled boxes when each image's longer side has `image_size` pixels.
/// @param scales further factor for each image; empty: none
std::vector<BoxSize> label_sizes(const ImageIndex& index, int image_size,
                                 const std::vector<double>& scales = {});

/// All anchors of a head, level by level.
std::vector<AnchorSize> flat_anchors(const HeadSpec& head);

/// Share of boxes that some anchor matches within the factor `threshold` in both sides, in [0, 1]
/// (best possible recall); 0 without boxes.
double anchor_recall(const std::vector<BoxSize>& sizes, const std::vector<AnchorSize>& anchors,
                     double threshold);

/// Mean over boxes of the best match in (0, 1], matches outside the threshold counted as 0.
double anchor_fitness(const std::vector<BoxSize>& sizes, const std::vector<AnchorSize>& anchors,
                      double threshold);

struct AnchorSearchOptions {
  int num_anchors = 9;
  double threshold = 4;
  int generations = 1000;
  std::uint64_t seed = 0;
};

/// K-means, then evolution by random changes. Result ordered by area. Throws Error (kData) when no
/// box has a side of at least 2 px.
std::vector<AnchorSize> search_anchors(const std::vector<BoxSize>& sizes,
                                       const AnchorSearchOptions& options);

/// The head with other anchors: small ones on the level of small strides, in either level order.
HeadSpec with_anchors(HeadSpec head, std::vector<AnchorSize> anchors);

struct AnchorCheck {
  double recall_before = 0, recall_after = 0;
  bool replaced = false;
  HeadSpec head;  // the one to use
};

struct AnchorCheckOptions {
  int image_size = 640;       // px
  double threshold = 4;       // largest factor between box and anchor that the loss accepts
  double good_recall = 0.99;  // with this the anchors are kept
  std::uint64_t seed = 0;
};

/// Keeps the anchors when they reach a good recall, else searches and takes what is better.
AnchorCheck check_anchors(const ImageIndex& index, const HeadSpec& head,
                          const AnchorCheckOptions& options);

}  // namespace gannet
