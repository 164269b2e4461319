// COCO's evaluation written down as its definition reads, for one class, range of areas and limit:
// slow, and with nothing in common with the library.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "gannet/core/coco_boxes.h"

namespace gannet::naive_coco {

struct Result {
  std::array<double, 10> ap, recall;
};

struct Verdict {
  double score;
  bool is_right, is_ignored;
};

inline double area(const CocoDetection& d) { return d.box_px[2] * d.box_px[3]; }

inline double overlap(const CocoDetection& d, const CocoTruth& g) {
  const double left = std::max(d.box_px[0], g.box_px[0]), top = std::max(d.box_px[1], g.box_px[1]);
  const double right = std::min(d.box_px[0] + d.box_px[2], g.box_px[0] + g.box_px[2]);
  const double bottom = std::min(d.box_px[1] + d.box_px[3], g.box_px[1] + g.box_px[3]);
  if (right <= left || bottom <= top) return 0;
  const double both = (right - left) * (bottom - top);
  return both / (g.is_crowd ? area(d) : area(d) + g.box_px[2] * g.box_px[3] - both);
}

inline bool is_outside(double value, std::size_t range) {
  constexpr double kEnds[4][2] = {{0, 1e10}, {0, 1024}, {1024, 9216}, {9216, 1e10}};
  return value < kEnds[range][0] || value > kEnds[range][1];
}

/// Best of the free objects of a kind that reach the threshold, the last of equal ones; -1: none.
inline int best(const CocoDetection& d, const std::vector<CocoTruth>& objects,
                const std::vector<bool>& free, const std::vector<bool>& eligible,
                double threshold) {
  int found = -1;
  double greatest = threshold;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const bool is_free = free[i] || objects[i].is_crowd;
    if (!eligible[i] || !is_free || overlap(d, objects[i]) < greatest) continue;
    greatest = overlap(d, objects[i]);
    found = static_cast<int>(i);
  }
  return found;
}

inline void judge_image(std::vector<CocoDetection> detections,
                        const std::vector<CocoTruth>& objects, std::size_t range, int limit,
                        double threshold, std::vector<Verdict>& verdicts) {
  std::stable_sort(detections.begin(), detections.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  if (detections.size() > static_cast<std::size_t>(limit))
    detections.resize(static_cast<std::size_t>(limit));
  std::vector<bool> free(objects.size(), true), required, optional;
  for (const CocoTruth& g : objects) {
    required.push_back(!g.is_crowd && !is_outside(g.area_px, range));
    optional.push_back(!required.back());
  }
  for (const CocoDetection& d : detections) {
    const int wanted = best(d, objects, free, required, threshold);
    const int other = wanted >= 0 ? -1 : best(d, objects, free, optional, threshold);
    const int taken = std::max(wanted, other);
    if (taken >= 0) free[static_cast<std::size_t>(taken)] = false;
    const bool is_ignored = other >= 0 || (taken < 0 && is_outside(area(d), range));
    verdicts.push_back({d.score, taken >= 0, is_ignored});
  }
}

inline Result evaluate(const std::vector<CocoTruth>& truth,
                       const std::vector<CocoDetection>& detections, std::int64_t category,
                       std::size_t range, int limit) {
  std::map<std::int64_t, std::vector<CocoTruth>> objects_of;
  std::map<std::int64_t, std::vector<CocoDetection>> detections_of;
  double num_required = 0;
  for (const CocoTruth& g : truth) {
    if (g.category_id != category) continue;
    objects_of[g.image_id].push_back(g);
    detections_of[g.image_id];
    num_required += !g.is_crowd && !is_outside(g.area_px, range) ? 1 : 0;
  }
  for (const CocoDetection& d : detections)
    if (d.category_id == category) detections_of[d.image_id].push_back(d);
  Result result;
  for (std::size_t t = 0; t < 10; ++t) {
    result.ap[t] = result.recall[t] = num_required > 0 ? 0 : -1;
    if (num_required == 0) continue;
    std::vector<Verdict> verdicts;
    const double threshold = t == 8 ? 0.8999999999999999 : 0.5 + 0.05 * static_cast<double>(t);
    for (const auto& [image, of_image] : detections_of)
      judge_image(of_image, objects_of[image], range, limit, threshold, verdicts);
    std::stable_sort(verdicts.begin(), verdicts.end(),
                     [](const auto& a, const auto& b) { return a.score > b.score; });
    std::vector<std::pair<double, double>> curve;  // recall, precision
    double right = 0, wrong = 0;
    for (const Verdict& v : verdicts) {
      if (!v.is_ignored) (v.is_right ? right : wrong) += 1;
      if (right + wrong > 0) curve.push_back({right / num_required, right / (right + wrong)});
    }
    result.recall[t] = right / num_required;
    for (int k = 0; k <= 100; ++k) {
      double greatest = 0;
      for (const auto& [recall, precision] : curve)
        if (recall >= (k == 100 ? 1.0 : k * 0.01)) greatest = std::max(greatest, precision);
      result.ap[t] += greatest / 101;
    }
  }
  return result;
}

}  // namespace gannet::naive_coco
