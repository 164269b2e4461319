#include "gannet/eval/scores.h"

#include <algorithm>
#include <unordered_set>

namespace gannet {
namespace {

std::array<double, 4> corner_and_size(const Box& box) {
  return {box.x1, box.y1, static_cast<double>(box.x2) - box.x1,
          static_cast<double>(box.y2) - box.y1};
}

std::int64_t id_of(const std::vector<std::int64_t>& ids, std::int64_t position) {
  const auto i = static_cast<std::size_t>(position);
  return i < ids.size() ? ids[i] : -1;
}

std::vector<ClassMetrics> class_figures(const std::vector<ImageRecord>& images,
                                        MetricProtocol protocol, bool keep_curves) {
  std::vector<DetectionRecord> detections;
  std::vector<int> label_classes;
  for (const ImageRecord& image : images) {
    const auto hits = protocol == MetricProtocol::kJuly2020
                          ? image.hits
                          : match_detections(image.detections, image.labels, protocol);
    for (std::size_t i = 0; i < hits.size(); ++i)
      detections.push_back({hits[i], image.detections[i].score, image.detections[i].class_id});
    for (const ScoredBox& label : image.labels) label_classes.push_back(label.class_id);
  }
  return average_precision(detections, label_classes,
                           {.protocol = protocol, .keep_curves = keep_curves});
}

/// COCO's classes come in the order of their category ids' places: back to the model's classes.
std::vector<ClassMetrics> coco_figures(const CocoReport& report, const std::vector<int>& classes,
                                       bool keep_curves) {
  std::vector<ClassMetrics> figures = class_metrics(report, keep_curves);
  for (ClassMetrics& c : figures) c.class_id = classes[static_cast<std::size_t>(c.class_id)];
  return figures;
}

void read_at_best_f1(std::vector<ClassMetrics>& classes) {
  for (ClassMetrics& c : classes) {
    c.precision = c.best_f1.precision;
    c.recall = c.best_f1.recall;
    c.f1 = c.best_f1.f1;
  }
}

std::vector<std::array<double, 3>> ap_by_size(const std::vector<ClassMetrics>& classes,
                                              const CocoReport& coco,
                                              const std::vector<int>& coco_classes) {
  std::vector<std::array<double, 3>> rows;
  for (const ClassMetrics& c : classes) {
    const auto found = std::find(coco_classes.begin(), coco_classes.end(), c.class_id);
    if (found == coco_classes.end()) {
      rows.push_back({-1, -1, -1});
      continue;
    }
    const CocoClass& of = coco.classes[static_cast<std::size_t>(found - coco_classes.begin())];
    rows.push_back({of.mean_ap(CocoArea::kSmall), of.mean_ap(CocoArea::kMedium),
                    of.mean_ap(CocoArea::kLarge)});
  }
  return rows;
}

}  // namespace

CocoGround ground_of_labels(const std::vector<ImageRecord>& images, int num_classes) {
  CocoGround ground;
  for (int id = 0; id < num_classes; ++id) ground.category_ids.push_back(id);
  for (const ImageRecord& image : images) {
    const auto place = static_cast<std::size_t>(image.index);
    if (ground.image_ids.size() <= place) ground.image_ids.resize(place + 1, -1);
    ground.image_ids[place] = image.index;
    for (const ScoredBox& label : image.labels) {
      const auto box = corner_and_size(label.box);
      ground.truth.push_back({image.index, label.class_id, box, box[2] * box[3], false});
    }
  }
  return ground;
}

std::vector<CocoDetection> coco_detections(const std::vector<ImageRecord>& images,
                                           const CocoGround& ground) {
  std::vector<CocoDetection> detections;
  for (const ImageRecord& image : images) {
    const std::int64_t image_id = id_of(ground.image_ids, image.index);
    if (image_id < 0) continue;
    for (const ScoredBox& d : image.detections) {
      const std::int64_t category = id_of(ground.category_ids, d.class_id);
      if (category >= 0)
        detections.push_back({image_id, category, corner_and_size(d.box), d.score});
    }
  }
  return detections;
}

EvalReport score(const std::vector<ImageRecord>& images, const ScoreOptions& options,
                 const CocoGround* ground) {
  EvalReport report;
  report.protocol = options.protocol;
  report.num_images = static_cast<std::int64_t>(images.size());
  for (const ImageRecord& image : images)
    report.num_labels += static_cast<std::int64_t>(image.labels.size());
  std::vector<int> coco_classes;
  if (options.full || options.protocol == MetricProtocol::kCoco) {
    const CocoGround own =
        ground == nullptr ? ground_of_labels(images, options.num_classes) : CocoGround();
    const CocoGround& truth = ground == nullptr ? own : *ground;
    std::vector<std::int64_t> category_ids;
    for (std::size_t id = 0; id < truth.category_ids.size(); ++id) {
      if (truth.category_ids[id] < 0) continue;
      coco_classes.push_back(static_cast<int>(id));
      category_ids.push_back(truth.category_ids[id]);
    }
    std::unordered_set<std::int64_t> evaluated;
    for (const ImageRecord& image : images) evaluated.insert(id_of(truth.image_ids, image.index));
    std::vector<CocoTruth> objects;
    std::copy_if(truth.truth.begin(), truth.truth.end(), std::back_inserter(objects),
                 [&](const CocoTruth& object) { return evaluated.contains(object.image_id); });
    report.coco = evaluate_coco(objects, coco_detections(images, truth), category_ids);
    report.coco_truth_is_official = truth.is_official;
  }
  for (const auto protocol :
       {MetricProtocol::kJuly2020, MetricProtocol::kV7, MetricProtocol::kCoco}) {
    const bool chosen = protocol == options.protocol;
    if (!chosen && !options.full) continue;
    auto classes = protocol == MetricProtocol::kCoco
                       ? coco_figures(*report.coco, coco_classes, options.full && chosen)
                       : class_figures(images, protocol, options.full && chosen);
    if (!options.original) read_at_best_f1(classes);
    report.by_protocol[static_cast<std::size_t>(protocol)] = mean_metrics(classes);
    if (chosen) report.classes = std::move(classes);
  }
  report.mean = report.by_protocol[static_cast<std::size_t>(options.protocol)];
  if (!options.full) return report;
  report.class_ap_by_size = ap_by_size(report.classes, *report.coco, coco_classes);
  report.confusion.emplace(options.num_classes, ConfusionOptions{.original = options.original});
  for (const ImageRecord& image : images) report.confusion->add(image.detections, image.labels);
  return report;
}

}  // namespace gannet
