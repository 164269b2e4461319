#include "gannet/eval/worst_images.h"

#include <algorithm>

#include "gannet/core/box.h"

namespace gannet {

JudgedRecord judge(const ImageRecord& image, double confidence) {
  constexpr float kLeastOverlap = 0.5f;
  JudgedRecord judged;
  judged.image = &image;
  std::vector<bool> taken(image.labels.size());
  for (std::size_t d = 0; d < image.detections.size(); ++d) {
    const ScoredBox& detection = image.detections[d];
    if (detection.score < confidence) continue;
    float best = kLeastOverlap;
    std::size_t label = image.labels.size();
    for (std::size_t l = 0; l < image.labels.size(); ++l) {
      if (taken[l] || image.labels[l].class_id != detection.class_id) continue;
      const float overlap = iou(detection.box, image.labels[l].box);
      if (overlap <= best) continue;
      best = overlap;
      label = l;
    }
    if (label < image.labels.size())
      taken[label] = true;
    else
      judged.false_detections.push_back(d);
  }
  for (std::size_t l = 0; l < taken.size(); ++l)
    (taken[l] ? judged.found : judged.missed).push_back(l);
  return judged;
}

std::vector<JudgedRecord> worst_images(const std::vector<ImageRecord>& images, double confidence,
                                       std::size_t count) {
  const auto faults = [](const JudgedRecord& r) {
    return r.missed.size() + r.false_detections.size();
  };
  std::vector<JudgedRecord> judged;
  for (const ImageRecord& image : images) {
    judged.push_back(judge(image, confidence));
    if (faults(judged.back()) == 0) judged.pop_back();
  }
  std::stable_sort(judged.begin(), judged.end(), [&](const JudgedRecord& a, const JudgedRecord& b) {
    return faults(a) > faults(b);
  });
  if (judged.size() > count) judged.resize(count);
  return judged;
}

}  // namespace gannet
