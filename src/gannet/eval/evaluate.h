// Evaluates a checkpoint on a data set: what `gannet val` does, for embedders.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gannet/config/fields.h"
#include "gannet/eval/eval_report.h"

namespace gannet {

/// Settings of `val`; the names are those of the flags with '_' for '-'.
struct ValSettings {
  std::string weights;
  std::string data = "data/coco128.yaml";
  std::string task = "val";  // val, test, train: the split; study, speed
  std::string split;         // train, val or test; empty: as `task` says
  int batch_size = 32;
  int img_size = 640;
  double conf_thres = 0.001;
  double iou_thres = kAuto;
  int max_det = 300;
  std::string protocol = "auto";
  std::string compat = "fixed";
  std::string coco_json;
  bool single_cls = false;
  bool augment = false;
  bool merge = false;
  bool verbose = false;
  bool save_json = false;
  bool save_txt = false;
  bool save_conf = false;
  bool save_hybrid = false;
  std::string project = "runs/val";
  std::string name;
  bool exist_ok = false;
  std::string device;
  std::string precision = "auto";
  int workers = 2;
  double dist_timeout = 300;
};

template <class Visitor, class S>
void fields_of_val(Visitor&& visit, S& s) {
  visit("weights", s.weights, "checkpoint or exported network to evaluate", Range{});
  visit("data", s.data, "data description", Range{});
  visit("task", s.task, "val, test or train; study: over image sizes; speed: times only", Range{});
  visit("split", s.split, "train, val or test, whatever the task", Range{});
  visit("batch_size", s.batch_size, "images per batch", Range{1, 65536});
  visit("img_size", s.img_size, "image size, px", Range{32, 16384});
  visit("conf_thres", s.conf_thres, "least confidence", Range{0, 1});
  visit("iou_thres", s.iou_thres,
        "overlap at which the weaker box goes; auto: 0.65, or 0.6 with the protocol v7",
        Range{kAuto, 1});
  visit("max_det", s.max_det, "most detections an image", Range{1, 1e6});
  visit("protocol", s.protocol,
        "how it is measured: july2020, v7 or coco; auto: as the model's generation was", Range{});
  visit("compat", s.compat, "fixed; original: P and R, and known defects, as the original has them",
        Range{});
  visit("coco_json", s.coco_json, "annotations for COCO's twelve numbers", Range{});
  visit("single_cls", s.single_cls, "treat all classes as one", Range{});
  visit("augment", s.augment, "test-time augmentation", Range{});
  visit("merge", s.merge, "average overlapping boxes", Range{});
  visit("verbose", s.verbose, "figures of each class", Range{});
  visit("save_json", s.save_json, "write the detections in COCO's results form", Range{});
  visit("save_txt", s.save_txt, "write a label file for each image", Range{});
  visit("save_conf", s.save_conf, "with --save-txt: the confidence as well", Range{});
  visit("save_hybrid", s.save_hybrid,
        "write label files of labels and detections together; the figures then mean nothing",
        Range{});
  visit("project", s.project, "folder of run directories", Range{});
  visit("name", s.name, "name of the run directory", Range{});
  visit("exist_ok", s.exist_ok, "write into an existing run directory", Range{});
  visit("device", s.device, "cpu, or a CUDA device index; empty chooses", Range{});
  visit("precision", s.precision, "auto, fp32, bf16 or fp16", Range{});
  visit("workers", s.workers, "loader threads", Range{0, 256});
  visit("dist_timeout", s.dist_timeout, "seconds without the other processes before this one ends",
        Range{1, 1e6});
}

class Communicator;

/// @param done, total batches of this process
using EvalProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Evaluates one image size, and writes a run directory: figures, curves, pictures, and what the
/// settings ask for. With the task `speed` the figures are times, and nothing is written.
/// @param ranks the ranks that evaluate together, each a share of the batches; null: this process
/// alone. The report is the same on all of them; rank 0 writes.
/// Throws Error for bad settings, data or checkpoints.
EvalReport evaluate(const ValSettings& settings, const EvalProgress& progress = {},
                    std::shared_ptr<Communicator> ranks = nullptr);

/// The model at one image size.
struct StudyRow {
  int image_size = 0;
  EvalReport report;
};

/// Evaluates at image sizes from 256 px on in steps of 128 (release 7.0, 2.2) up to twice
/// `img_size`, at most 1536, and writes a table and a plot of mAP over time into a run directory.
/// @param on_row called after each size, on every rank
/// @return the rows; the last report names the directory
std::vector<StudyRow> evaluate_sizes(const ValSettings& settings,
                                     const std::function<void(const StudyRow&)>& on_row = {},
                                     std::shared_ptr<Communicator> ranks = nullptr);

}  // namespace gannet
