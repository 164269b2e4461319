#include "gannet/metrics/confusion_matrix.h"

#include <algorithm>
#include <cstddef>
#include <functional>

#include "gannet/core/error.h"
#include "gannet/metrics/overlap.h"

namespace gannet {
namespace {

constexpr int kNone = -1;

struct Choice {
  int index = kNone;
  float iou = 0;
  void offer(int other, float overlap) {
    if (index == kNone || overlap >= iou) *this = {other, overlap};
  }
};

/// For each label the detection that is matched to it, or kNone.
std::vector<Choice> match(const std::vector<const ScoredBox*>& detections,
                          const std::vector<ScoredBox>& labels, float min_iou) {
  std::vector<Choice> of_label(labels.size());
  for (std::size_t d = 0; d < detections.size(); ++d) {
    Choice best;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const float overlap = iou_of_v7(labels[i].box, detections[d]->box);
      if (overlap > min_iou) best.offer(static_cast<int>(i), overlap);
    }
    if (best.index != kNone)
      of_label[static_cast<std::size_t>(best.index)].offer(static_cast<int>(d), best.iou);
  }
  return of_label;
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(int num_classes, ConfusionOptions options)
    : num_classes_(num_classes), options_(options) {
  const auto side = static_cast<std::size_t>(num_classes) + 1;
  counts_.assign(side * side, 0);
}

std::size_t ConfusionMatrix::place(int predicted, int actual) const {
  GANNET_CHECK(predicted >= 0 && predicted <= num_classes_, "no such class");
  GANNET_CHECK(actual >= 0 && actual <= num_classes_, "no such class");
  return static_cast<std::size_t>(predicted) * (static_cast<std::size_t>(num_classes_) + 1) +
         static_cast<std::size_t>(actual);
}

void ConfusionMatrix::add(const std::vector<ScoredBox>& detections,
                          const std::vector<ScoredBox>& labels) {
  std::vector<const ScoredBox*> sure;
  for (const ScoredBox& detection : detections)
    if (detection.score > options_.min_confidence) sure.push_back(&detection);
  const std::vector<Choice> matched = match(sure, labels, options_.min_iou);

  std::vector<bool> is_matched(sure.size(), false);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (matched[i].index == kNone) {
      count(background(), labels[i].class_id);
      continue;
    }
    const auto d = static_cast<std::size_t>(matched[i].index);
    is_matched[d] = true;
    count(sure[d]->class_id, labels[i].class_id);
  }
  const bool any = std::find(is_matched.begin(), is_matched.end(), true) != is_matched.end();
  if (options_.original && !any) return;
  for (std::size_t d = 0; d < sure.size(); ++d)
    if (!is_matched[d]) count(sure[d]->class_id, background());
}

void ConfusionMatrix::merge(const std::vector<std::int64_t>& counts) {
  GANNET_CHECK(counts.size() == counts_.size(), "matrices of different sizes");
  std::transform(counts.begin(), counts.end(), counts_.begin(), counts_.begin(), std::plus<>());
}

}  // namespace gannet
