// From what was detected in each image to the figures of a data set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gannet/core/coco_boxes.h"
#include "gannet/eval/eval_report.h"
#include "gannet/eval/records.h"

namespace gannet {

/// What COCO's evaluation compares with, and under which ids.
struct CocoGround {
  std::vector<CocoTruth> truth;
  /// By position in the data set, and by class of the model; -1 for what the truth does not know.
  std::vector<std::int64_t> image_ids, category_ids;
  bool is_official = false;                // from a COCO json
  std::vector<std::string> warnings = {};  // what it does not know, in words
};

struct ScoreOptions {
  MetricProtocol protocol = MetricProtocol::kJuly2020;
  bool original = false;  // P, R and F1 where the protocol reads them, not at the best F1
  bool full = false;      // all protocols, COCO's numbers, curves, the confusion matrix
  int num_classes = 1;    // of the model
};

/// The labels of the records as COCO sees them: areas are those of the boxes, ids are positions and
/// classes.
CocoGround ground_of_labels(const std::vector<ImageRecord>& images, int num_classes);

/// Detections of these images under the ids of the ground; those of classes or images that it does
/// not know are left out.
std::vector<CocoDetection> coco_detections(const std::vector<ImageRecord>& images,
                                           const CocoGround& ground);

/// Figures of the images; losses, times and names are left to the caller.
/// @param ground with `full` or COCO's protocol; null: ground_of_labels
EvalReport score(const std::vector<ImageRecord>& images, const ScoreOptions& options,
                 const CocoGround* ground = nullptr);

}  // namespace gannet
