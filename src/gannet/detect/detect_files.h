// Detection over image files: draws, writes label files, and tells what was found. What `gannet
// detect` does, for embedders.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gannet/config/fields.h"
#include "gannet/detect/detector.h"

namespace gannet {

/// Settings of `detect`; the names are those of the flags with '_' for '-'.
struct DetectSettings {
  std::string weights;
  std::string source;
  std::string output;  // empty: a run directory below `project`
  std::string project = "runs/detect";
  std::string name;
  bool exist_ok = false;
  bool recursive = false;
  int img_size = 640;
  double conf_thres = 0.4;
  double iou_thres = 0.5;
  std::string device;
  std::string precision = "auto";
  bool save_txt = false;
  std::vector<int> classes;
  bool agnostic_nms = false;
  bool augment = false;
  int max_det = 300;
};

template <class Visitor, class S>
void fields_of_detect(Visitor&& visit, S& s) {
  visit("weights", s.weights, "checkpoint", Range{});
  visit("source", s.source, "image, folder, glob or list file", Range{});
  visit("output", s.output, "folder for the results, instead of a run directory", Range{});
  visit("project", s.project, "folder of run directories", Range{});
  visit("name", s.name, "name of the run directory", Range{});
  visit("exist_ok", s.exist_ok, "write into an existing directory, never over a source", Range{});
  visit("recursive", s.recursive, "search the subfolders of folders", Range{});
  visit("img_size", s.img_size, "longer side of the network's input, px", Range{32, 16384});
  visit("conf_thres", s.conf_thres,
        "least confidence; auto: that of the best F1 when the checkpoint was evaluated",
        Range{kAuto, 1});
  visit("iou_thres", s.iou_thres, "overlap at which the weaker box goes", Range{0, 1});
  visit("device", s.device, "cpu, or a CUDA device index; empty chooses", Range{});
  visit("precision", s.precision, "auto, fp32, bf16 or fp16", Range{});
  visit("save_txt", s.save_txt, "also write label files", Range{});
  visit("classes", s.classes, "keep only these class numbers", Range{0, 1e6});
  visit("agnostic_nms", s.agnostic_nms, "suppress across classes", Range{});
  visit("augment", s.augment, "test-time augmentation", Range{});
  visit("max_det", s.max_det, "most detections an image", Range{1, 1e6});
}

/// What one image gave.
struct ImageDetections {
  std::string path, output_path;
  std::vector<Detection> detections;
  double seconds = 0;                     // of network and suppression
  int input_height = 0, input_width = 0;  // of the network's input
  int number = 0, total = 0;              // number counts from 1
};

struct DetectSummary {
  std::string output;  // folder of the results
  int images = 0, failed = 0;
  std::int64_t detections = 0;
  double seconds = 0;
};

/// An image that cannot be read is named in a warning and skipped. Results keep the folder
/// structure of the sources (output_plan.h). Throws Error when there is no image, when a source or
/// a file that is no result would be replaced, before the first image, or when nothing can be
/// written.
DetectSummary detect_files(const DetectSettings& settings,
                           const std::function<void(const ImageDetections&)>& on_image);

}  // namespace gannet
