// Evaluates a checkpoint on a data set: what `gannet val` does, for embedders.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gannet/config/fields.h"
#include "gannet/metrics/average_precision.h"

namespace gannet {

/// Settings of `val`; the names are those of the flags with '_' for '-'.
struct ValSettings {
  std::string weights;
  std::string data = "data/coco128.yaml";
  std::string split = "val";  // train, val or test
  int batch_size = 32;
  int img_size = 640;
  double conf_thres = 0.001;
  double iou_thres = 0.65;
  bool single_cls = false;
  bool augment = false;
  bool merge = false;
  bool verbose = false;
  bool save_json = false;
  std::string device;
  std::string precision = "auto";
  int workers = 2;
  double dist_timeout = 300;
};

template <class Visitor, class S>
void fields_of_val(Visitor&& visit, S& s) {
  visit("weights", s.weights, "checkpoint to evaluate", Range{});
  visit("data", s.data, "data description", Range{});
  visit("split", s.split, "train, val or test", Range{});
  visit("batch_size", s.batch_size, "images per batch", Range{1, 65536});
  visit("img_size", s.img_size, "image size, px", Range{32, 16384});
  visit("conf_thres", s.conf_thres, "least confidence", Range{0, 1});
  visit("iou_thres", s.iou_thres, "overlap at which the weaker box goes", Range{0, 1});
  visit("single_cls", s.single_cls, "treat all classes as one", Range{});
  visit("augment", s.augment, "test-time augmentation", Range{});
  visit("merge", s.merge, "average overlapping boxes", Range{});
  visit("verbose", s.verbose, "figures of each class", Range{});
  visit("save_json", s.save_json, "write the detections in COCO's results form", Range{});
  visit("device", s.device, "cpu, or a CUDA device index; empty chooses", Range{});
  visit("precision", s.precision, "auto, fp32, bf16 or fp16", Range{});
  visit("workers", s.workers, "loader threads", Range{0, 256});
  visit("dist_timeout", s.dist_timeout, "seconds without the other processes before this one ends",
        Range{1, 1e6});
}

class Communicator;

/// What a model is worth on a data set.
struct EvalReport {
  MeanMetrics mean;
  std::vector<ClassMetrics> classes;
  std::vector<std::string> names;
  std::int64_t num_images = 0, num_labels = 0;
  double box_loss = 0, objectness_loss = 0, class_loss = 0;  // zeros without a loss
  double inference_ms = 0, nms_ms = 0;                       // mean an image
  std::string json_path;                                     // with save_json
  bool stopped = false;  // on request: the figures are those of a part
};

/// @param progress called after each batch of this process with (done, total); may be empty
/// @param ranks the ranks that evaluate together, each a share of the batches; null: this process
/// alone. The report is the same on all of them; rank 0 writes the file.
/// Throws Error for bad settings, data or checkpoints.
EvalReport evaluate(const ValSettings& settings,
                    const std::function<void(std::int64_t, std::int64_t)>& progress = {},
                    std::shared_ptr<Communicator> ranks = nullptr);

}  // namespace gannet
