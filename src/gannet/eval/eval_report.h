// What a model is worth on a data set.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gannet/metrics/average_precision.h"
#include "gannet/metrics/coco_eval.h"
#include "gannet/metrics/confusion_matrix.h"

namespace gannet {

struct EvalReport {
  MetricProtocol protocol = MetricProtocol::kJuly2020;
  /// By `protocol`. P, R and F1 are those at the best F1, with --compat original where the protocol
  /// reads them.
  MeanMetrics mean;
  std::vector<ClassMetrics> classes;
  std::vector<std::string> names;
  std::int64_t num_images = 0, num_labels = 0;
  double box_loss = 0, objectness_loss = 0, class_loss = 0;  // zeros without a loss
  double prepare_ms = 0, inference_ms = 0, nms_ms = 0;       // mean an image

  // Of a full evaluation only.
  std::vector<std::array<double, 3>> class_ap_by_size;  // of `classes`: small, medium, large; or -1
  std::array<MeanMetrics, 3> by_protocol{};             // July 2020, 7.0, COCO
  std::optional<CocoReport> coco;  // the twelve numbers, with the classes that it was asked for
  bool coco_truth_is_official = false;  // from a COCO json; else made of the labels
  std::optional<ConfusionMatrix> confusion;

  // Files written; empty where none were.
  std::string directory, json_path;
  bool stopped = false;  // on request: the figures are those of a part
};

}  // namespace gannet
