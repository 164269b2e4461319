#include "gannet/data/index/anchors.h"

#include <algorithm>
#include <cmath>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/rng.h"
#include "gannet/data/index/kmeans.h"

namespace gannet {
namespace {

constexpr double kMinSide_px = 2;
constexpr double kSmallSide_px = 3;
constexpr std::size_t kFewBoxes = 20'000;
constexpr std::uint64_t kJitterEpoch = 0xFFFFFFFF;  // apart from every generation's numbers

/// In (0, 1]: the worse side's ratio of the best anchor, each ratio taken below 1.
double best_match(const BoxSize& size, const std::vector<AnchorSize>& anchors) {
  double best = 0;
  for (const AnchorSize& anchor : anchors) {
    const double ratio_w = size[0] / double{anchor[0]}, ratio_h = size[1] / double{anchor[1]};
    best = std::max(best, std::min({ratio_w, 1 / ratio_w, ratio_h, 1 / ratio_h}));
  }
  return best;
}

void sort_by_area(std::vector<AnchorSize>& anchors) {
  std::stable_sort(anchors.begin(), anchors.end(), [](const AnchorSize& a, const AnchorSize& b) {
    return a[0] * a[1] < b[0] * b[1];
  });
}

/// Every side times a factor near 1; at least one factor differs from 1.
std::vector<AnchorSize> mutate(const std::vector<AnchorSize>& anchors, Rng rng) {
  constexpr double kProbability = 0.9, kSigma = 0.1, kMinFactor = 0.3, kMaxFactor = 3;
  std::vector<AnchorSize> result = anchors;
  for (bool changed = false; !changed;) {
    const double strength = rng.uniform();
    for (std::size_t i = 0; i < anchors.size(); ++i) {
      for (std::size_t side = 0; side < 2; ++side) {
        const bool chosen = rng.uniform() < kProbability;
        const double step = rng.normal() * strength * kSigma;
        const double factor = std::clamp(chosen ? 1 + step : 1.0, kMinFactor, kMaxFactor);
        changed = changed || factor != 1;
        result[i][side] =
            static_cast<float>(std::max(double{anchors[i][side]} * factor, kMinSide_px));
      }
    }
  }
  return result;
}

/// @param line which of several independent evolutions
std::vector<AnchorSize> evolve(std::vector<AnchorSize> anchors, const std::vector<BoxSize>& sizes,
                               const AnchorSearchOptions& options, std::uint64_t line) {
  double fitness = anchor_fitness(sizes, anchors, options.threshold);
  for (int generation = 1; generation <= options.generations; ++generation) {
    const auto epoch = static_cast<std::uint64_t>(generation);
    std::vector<AnchorSize> candidate =
        mutate(anchors, Rng({options.seed, epoch, line, Purpose::kAnchors}));
    const double candidate_fitness = anchor_fitness(sizes, candidate, options.threshold);
    if (candidate_fitness <= fitness) continue;
    fitness = candidate_fitness;
    anchors = std::move(candidate);
  }
  return anchors;
}

}  // namespace

std::vector<BoxSize> label_sizes(const ImageIndex& index, int image_size,
                                 const std::vector<double>& scales) {
  std::vector<BoxSize> sizes;
  for (std::size_t i = 0; i < index.images.size(); ++i) {
    const IndexedImage& image = index.images[i];
    const double scale = scales.empty() ? 1.0 : scales.at(i);
    const double gain = scale * image_size / std::max(image.width, image.height);
    for (const Label& label : image.labels) {
      sizes.push_back({double{label.width} * (image.width * gain),
                       double{label.height} * (image.height * gain)});
    }
  }
  return sizes;
}

std::vector<AnchorSize> flat_anchors(const HeadSpec& head) {
  std::vector<AnchorSize> anchors;
  for (const auto& level : head.anchors_px) {
    anchors.insert(anchors.end(), level.begin(), level.end());
  }
  return anchors;
}

double anchor_recall(const std::vector<BoxSize>& sizes, const std::vector<AnchorSize>& anchors,
                     double threshold) {
  if (sizes.empty()) return 0;
  const auto matched = std::count_if(sizes.begin(), sizes.end(), [&](const BoxSize& size) {
    return best_match(size, anchors) > 1 / threshold;
  });
  return static_cast<double>(matched) / static_cast<double>(sizes.size());
}

double anchor_fitness(const std::vector<BoxSize>& sizes, const std::vector<AnchorSize>& anchors,
                      double threshold) {
  double sum = 0;
  for (const BoxSize& size : sizes) {
    const double match = best_match(size, anchors);
    if (match > 1 / threshold) sum += match;
  }
  return sizes.empty() ? 0 : sum / static_cast<double>(sizes.size());
}

std::vector<AnchorSize> search_anchors(const std::vector<BoxSize>& sizes,
                                       const AnchorSearchOptions& options) {
  std::vector<BoxSize> usable;
  std::copy_if(sizes.begin(), sizes.end(), std::back_inserter(usable), [](const BoxSize& size) {
    return size[0] >= kMinSide_px || size[1] >= kMinSide_px;
  });
  const auto num_small = std::count_if(sizes.begin(), sizes.end(), [](const BoxSize& size) {
    return size[0] < kSmallSide_px || size[1] < kSmallSide_px;
  });
  if (num_small > 0) {
    log_warning("anchor search: {} of {} boxes are less than {} px wide or high", num_small,
                sizes.size(), kSmallSide_px);
  }
  if (usable.empty()) {
    throw Error(ErrorKind::kData, fmt::format("no box has a side of {} px", kMinSide_px), {},
                "train with larger images or keep the model's anchors");
  }
  std::vector<AnchorSize> anchors;
  for (const BoxSize& center : kmeans(usable, options.num_anchors, options.seed)) {
    anchors.push_back({static_cast<float>(std::max(center[0], kMinSide_px)),
                       static_cast<float>(std::max(center[1], kMinSide_px))});
  }
  // One evolution may get stuck a hundredth below another; with many boxes each takes its time.
  const std::uint64_t lines = usable.size() <= kFewBoxes ? 4 : 1;
  std::vector<AnchorSize> best;
  for (std::uint64_t line = 0; line < lines; ++line) {
    auto found = evolve(anchors, usable, options, line);
    if (best.empty() || anchor_fitness(usable, found, options.threshold) >
                            anchor_fitness(usable, best, options.threshold))
      best = std::move(found);
  }
  sort_by_area(best);
  return best;
}

HeadSpec with_anchors(HeadSpec head, std::vector<AnchorSize> anchors) {
  const auto per_level = static_cast<std::size_t>(head.anchors_per_level());
  GANNET_CHECK(anchors.size() == per_level * head.anchors_px.size(), "head and anchors differ");
  sort_by_area(anchors);
  const bool coarse_first = !head.strides.empty() && head.strides.front() > head.strides.back();
  for (std::size_t level = 0; level < head.anchors_px.size(); ++level) {
    const std::size_t rank = coarse_first ? head.anchors_px.size() - 1 - level : level;
    for (std::size_t i = 0; i < per_level; ++i) {
      head.anchors_px[level][i] = anchors[rank * per_level + i];
    }
  }
  return head;
}

AnchorCheck check_anchors(const ImageIndex& index, const HeadSpec& head,
                          const AnchorCheckOptions& wanted) {
  constexpr double kMinScale = 0.9, kMaxScale = 1.1;
  std::vector<double> scales;
  for (std::size_t i = 0; i < index.images.size(); ++i) {
    scales.push_back(
        Rng({wanted.seed, kJitterEpoch, i, Purpose::kAnchors}).uniform(kMinScale, kMaxScale));
  }
  const std::vector<BoxSize> jittered = label_sizes(index, wanted.image_size, scales);
  const std::vector<AnchorSize> anchors = flat_anchors(head);
  AnchorCheck check;
  check.head = head;
  check.recall_before = check.recall_after = anchor_recall(jittered, anchors, wanted.threshold);
  if (check.recall_before >= wanted.good_recall || jittered.empty()) return check;
  AnchorSearchOptions options;
  options.num_anchors = static_cast<int>(anchors.size());
  options.threshold = wanted.threshold;
  options.seed = wanted.seed;
  const std::vector<AnchorSize> found =
      search_anchors(label_sizes(index, wanted.image_size), options);
  const double recall = anchor_recall(jittered, found, wanted.threshold);
  if (recall <= check.recall_before) return check;
  check.recall_after = recall;
  check.replaced = true;
  check.head = with_anchors(head, found);
  return check;
}

}  // namespace gannet
