// Detection over images, videos and live streams: draws, writes results, and tells what was found.
// What `gannet detect` does, for embedders.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gannet/config/fields.h"
#include "gannet/core/image_view.h"
#include "gannet/detect/detector.h"

namespace gannet {

/// Settings of `detect`; the names are those of the flags with '_' for '-'.
struct DetectSettings {
  std::vector<std::string> weights;  // several work as one (Detector::load_ensemble)
  std::string source;
  std::string output;  // empty: a run directory below `project`
  std::string project = "runs/detect";
  std::string name;
  bool exist_ok = false;
  bool recursive = false;
  int img_size = 640;
  double conf_thres = 0.4;
  double iou_thres = 0.5;
  int max_det = 300;
  std::vector<int> classes;
  bool agnostic_nms = false;
  bool augment = false;
  std::string device;
  std::string precision = "auto";
  bool half = false;
  bool save_txt = false, save_conf = false, save_json = false, save_csv = false, save_crop = false;
  bool nosave = false;
  int line_thickness = 0;
  bool hide_labels = false, hide_conf = false;
  int vid_stride = 1;
  int stream_retries = 5;
};

template <class Visitor, class S>
void fields_of_detect(Visitor&& visit, S& s) {
  visit("weights", s.weights, "checkpoint, or several that work as one", Range{});
  visit("source", s.source,
        "image, video, folder, glob, list file, camera's number, rtsp:// or http:// address, or a "
        "list of those",
        Range{});
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
  visit("max_det", s.max_det, "most detections an image", Range{1, 1e6});
  visit("classes", s.classes, "keep only these class numbers", Range{0, 1e6});
  visit("agnostic_nms", s.agnostic_nms, "suppress across classes", Range{});
  visit("augment", s.augment, "test-time augmentation", Range{});
  visit("device", s.device, "cpu, or a CUDA device index; empty chooses", Range{});
  visit("precision", s.precision, "auto, fp32, bf16 or fp16", Range{});
  visit("half", s.half, "fp16 on a GPU, as --precision fp16", Range{});
  visit("save_txt", s.save_txt, "also write label files", Range{});
  visit("save_conf", s.save_conf, "label files with the confidence", Range{});
  visit("save_json", s.save_json, "also write predictions.json", Range{});
  visit("save_csv", s.save_csv, "also write predictions.csv", Range{});
  visit("save_crop", s.save_crop, "also write a picture of each object", Range{});
  visit("nosave", s.nosave, "write no pictures and videos", Range{});
  visit("line_thickness", s.line_thickness, "of boxes, px; 0: by the size of the image",
        Range{0, 100});
  visit("hide_labels", s.hide_labels, "boxes without captions", Range{});
  visit("hide_conf", s.hide_conf, "captions without the confidence", Range{});
  visit("vid_stride", s.vid_stride, "of this many frames look at the first one", Range{1, 1e6});
  visit("stream_retries", s.stream_retries,
        "failures in a row until a stream has ended; pauses double from 1 s", Range{0, 1000});
}

/// What one image, or frame of a video or stream, gave.
struct FrameDetections {
  std::string path;         // of the source
  std::string output_path;  // of its picture or video; empty with `nosave`
  std::vector<Detection> detections;
  double seconds = 0;                     // of network and suppression
  int input_height = 0, input_width = 0;  // of the network's input
  int number = 0, total = 0;              // of the source, from 1
  int frame = 0, num_frames = 0;          // of a video or stream, from 1; 0: an image, or unknown
};

struct DetectSummary {
  std::string output;  // folder of the results
  int images = 0;      // with frames of videos and streams
  int failed = 0;      // sources that could not be read
  int damaged = 0;     // frames of videos that could not be decoded
  int skipped = 0;     // frames of streams that came too fast
  std::int64_t detections = 0;
  double seconds = 0;
  bool stopped = false;  // by the event
};

/// What listens; any member may be empty. All are called from one thread at a time.
struct DetectEvents {
  std::function<void(const FrameDetections&)> result = {};  // when it is written
  std::function<bool()> stop = {};  // asked before each frame; true ends with whole files
  /// Each picture with its boxes drawn, also with `nosave`, after its `result`; valid for the call.
  std::function<void(const FrameDetections&, const ImageView& drawn)> picture = {};
};

/// A source that cannot be read is named in a warning and skipped. Results keep the folder
/// structure of the sources (output_plan.h). Throws Error when there is no source, when a source or
/// a file that is no result would be replaced, before the first image, or when nothing can be
/// written.
DetectSummary detect_files(const DetectSettings& settings, const DetectEvents& events);

}  // namespace gannet
