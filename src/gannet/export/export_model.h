// Models in other formats: what `gannet export` does, for embedders. A file appears under its name
// only after it was loaded again and gave what the model gives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gannet {

struct ExportOptions {
  /// Weights as float16. Without it nothing is rounded: float16 where the weights already have no
  /// more digits (a stripped checkpoint), else float32. Networks compute in float32 either way.
  bool half = false;

  // What follows is for the formats that hold a whole network: torchscript and onnx.
  int height = 640, width = 640;  // of the images, px; raised to multiples of the largest stride
  int batch_size = 1;
  bool dynamic = false;  // any batch and any multiple of the stride
  std::string head =
      "decoded";             // raw: logits per level; decoded: boxes; nms: what suppression keeps
  int opset = 13;            // version of ONNX's operators, 13 to 18
  double confidence = 0.25;  // of nms: the least
  double iou = 0.45;         // of nms: overlap at which the weaker box of a class goes
  int max_detections = 300;  // of nms: for each image and class
};

/// What was written, and how it compared when it was loaded again.
struct ExportReport {
  std::string format, path;
  std::uint64_t num_bytes = 0;
  bool half = false;             // stored as float16
  std::int64_t num_tensors = 0;  // all equal, bit for bit; 0 for a network, which is run instead
  int image_height = 0, image_width = 0;  // of the picture whose predictions were compared, px
  /// Largest difference of a prediction, relative to the largest of its kind: between the file
  /// and the weights in it, and between the file and the weights before `half` rounded them.
  double difference = 0, rounding = 0;
  std::string remark;  // what could not be compared, and why; empty: all was
};

/// The formats there are, in the order of their table.
std::vector<std::string> export_formats();

/// Name of the export of a checkpoint ("best.pt" gives "best-yolov5.pt"), in `folder` or, where
/// that is empty, beside it. Throws Error (kUsage) for an unknown format.
std::string default_export_path(const std::string& checkpoint, const std::string& format,
                                const std::string& folder = {});

/// @param checkpoint any file that load_model takes   @param path empty: default_export_path
/// Folders are made as needed. Throws Error: kUsage for an unknown format, options that it has no
/// use for, or a path that is the checkpoint itself; kCheckpoint where the file read again differs
/// (then nothing is left behind).
ExportReport export_model(const std::string& checkpoint, const std::string& format,
                          const std::string& path = {}, const ExportOptions& options = {});

}  // namespace gannet
