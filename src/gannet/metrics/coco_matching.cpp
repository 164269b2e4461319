#include "gannet/metrics/coco_matching.h"

#include <algorithm>
#include <span>

namespace gannet {
namespace {

constexpr std::array<double, kNumIouThresholds> kThresholds = {
    0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95};  // as they are rounded
constexpr ThresholdBits kAllThresholds = (1U << kNumIouThresholds) - 1;

struct AreaRange {
  double least, most;
  bool holds(double area) const { return least <= area && area <= most; }
};
constexpr double kSmallest = 32.0 * 32, kLargest = 96.0 * 96, kUnbounded = 1e10;
constexpr std::array<AreaRange, kNumCocoAreas> kAreaRanges = {
    {{0, kUnbounded}, {0, kSmallest}, {kSmallest, kLargest}, {kLargest, kUnbounded}}};

using Truths = std::span<const CocoTruth* const>;
using Detections = std::span<const CocoDetection* const>;

double area_of(const CocoDetection& detection) { return detection.box_px[2] * detection.box_px[3]; }

/// Intersection over union, or over the detection where the object is a crowd region.
double overlap(const CocoDetection& detection, const CocoTruth& truth) {
  const auto& d = detection.box_px;
  const auto& g = truth.box_px;
  const double w = std::min(d[0] + d[2], g[0] + g[2]) - std::max(d[0], g[0]);
  const double h = std::min(d[1] + d[3], g[1] + g[3]) - std::max(d[1], g[1]);
  if (!(w > 0 && h > 0)) return 0;
  const double inter = w * h, area = area_of(detection);
  return inter / (truth.is_crowd ? area : area + g[2] * g[3] - inter);
}

/// The objects of an image as one range of areas sees them.
struct Candidates {
  std::vector<std::size_t> order;  // those that have to be found first
  std::size_t num_required = 0;
  std::vector<ThresholdBits> taken;  // by object
};

Candidates candidates_of(Truths truths, const AreaRange& range) {
  Candidates result;
  const auto is_required = [&](std::size_t i) {
    return !truths[i]->is_crowd && range.holds(truths[i]->area_px);
  };
  for (std::size_t i = 0; i < truths.size(); ++i)
    if (is_required(i)) result.order.push_back(i);
  result.num_required = result.order.size();
  for (std::size_t i = 0; i < truths.size(); ++i)
    if (!is_required(i)) result.order.push_back(i);
  result.taken.assign(truths.size(), 0);
  return result;
}

/// One image: matches its detections, in descending order of score.
class ImageMatcher {
 public:
  ImageMatcher(Truths truths, CocoMatches& matches) : truths_(truths), matches_(matches) {
    for (std::size_t a = 0; a < kNumCocoAreas; ++a) {
      candidates_[a] = candidates_of(truths, kAreaRanges[a]);
      matches.num_objects[a] += static_cast<std::int64_t>(candidates_[a].num_required);
    }
  }

  void add(const CocoDetection& detection, int rank) {
    overlaps_.clear();
    for (const CocoTruth* truth : truths_) overlaps_.push_back(overlap(detection, *truth));
    CocoMatch match;
    match.score = detection.score;
    match.rank = rank;
    for (std::size_t a = 0; a < kNumCocoAreas; ++a) {
      for (std::size_t t = 0; t < kThresholds.size(); ++t) take(candidates_[a], a, t, match);
      if (!kAreaRanges[a].holds(area_of(detection)))
        match.ignored[a] |= kAllThresholds & ~match.matched[a];
    }
    matches_.detections.push_back(match);
  }

 private:
  /// Index into `candidates.order` of what the detection takes; the size where it takes nothing.
  std::size_t best(const Candidates& candidates, std::size_t t) const {
    double least = kThresholds[t];
    std::size_t found = candidates.order.size();
    for (std::size_t k = 0; k < candidates.order.size(); ++k) {
      const std::size_t i = candidates.order[k];
      if (k == candidates.num_required && found < k) break;
      const bool is_taken = (candidates.taken[i] >> t & 1U) != 0;
      if ((is_taken && !truths_[i]->is_crowd) || overlaps_[i] < least) continue;
      least = overlaps_[i];
      found = k;
    }
    return found;
  }

  void take(Candidates& candidates, std::size_t area, std::size_t t, CocoMatch& match) const {
    const std::size_t k = best(candidates, t);
    if (k == candidates.order.size()) return;
    const auto bit = static_cast<ThresholdBits>(1U << t);
    candidates.taken[candidates.order[k]] |= bit;
    match.matched[area] |= bit;
    if (k >= candidates.num_required) match.ignored[area] |= bit;
  }

  Truths truths_;
  CocoMatches& matches_;
  std::array<Candidates, kNumCocoAreas> candidates_;
  std::vector<double> overlaps_;
};

/// The leading elements that are of the given image, taken off `rest`.
template <class Span>
Span take_image(Span& rest, std::int64_t image_id) {
  std::size_t count = 0;
  while (count < rest.size() && rest[count]->image_id == image_id) ++count;
  const Span taken = rest.first(count);
  rest = rest.subspan(count);
  return taken;
}

}  // namespace

CocoMatches match_coco_class(std::vector<const CocoTruth*> truth,
                             std::vector<const CocoDetection*> detections) {
  std::stable_sort(truth.begin(), truth.end(),
                   [](const auto* a, const auto* b) { return a->image_id < b->image_id; });
  std::stable_sort(detections.begin(), detections.end(), [](const auto* a, const auto* b) {
    return a->image_id != b->image_id ? a->image_id < b->image_id : a->score > b->score;
  });
  CocoMatches matches;
  matches.detections.reserve(detections.size());
  Truths truths_left(truth);
  Detections detections_left(detections);
  while (!truths_left.empty() || !detections_left.empty()) {
    const bool has_truth = !truths_left.empty(), has_detection = !detections_left.empty();
    const std::int64_t image = !has_truth       ? detections_left.front()->image_id
                               : !has_detection ? truths_left.front()->image_id
                                                : std::min(truths_left.front()->image_id,
                                                           detections_left.front()->image_id);
    ImageMatcher matcher(take_image(truths_left, image), matches);
    int rank = 0;
    for (const CocoDetection* detection : take_image(detections_left, image)) {
      if (rank == kCocoLimits.back()) break;
      matcher.add(*detection, rank++);
    }
  }
  std::stable_sort(matches.detections.begin(), matches.detections.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  return matches;
}

}  // namespace gannet
