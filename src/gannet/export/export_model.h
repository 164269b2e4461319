// Models in other formats: what `gannet export` does, for embedders. A file appears under its name
// only after it was loaded again and gave what the model gives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gannet {

struct ExportOptions {
  /// Weights as float16. Without it nothing is rounded: float16 where the weights already have no
  /// more digits (a stripped checkpoint), else float32.
  bool half = false;
};

/// What was written, and how it compared when it was loaded again.
struct ExportReport {
  std::string format, path;
  std::uint64_t num_bytes = 0;
  bool half = false;             // stored as float16
  std::int64_t num_tensors = 0;  // all equal, bit for bit
  int image_size = 0;            // side of the picture whose predictions were compared, px
  /// Largest difference of a raw prediction, relative to the largest prediction: between the file
  /// and the weights in it, and between the file and the weights before `half` rounded them.
  double difference = 0, rounding = 0;
};

/// The formats there are, in the order of their table.
std::vector<std::string> export_formats();

/// Name of the export of a checkpoint ("best.pt" gives "best-yolov5.pt"), in `folder` or, where
/// that is empty, beside it. Throws Error (kUsage) for an unknown format.
std::string default_export_path(const std::string& checkpoint, const std::string& format,
                                const std::string& folder = {});

/// @param checkpoint any file that load_model takes   @param path empty: default_export_path
/// Folders are made as needed. Throws Error: kUsage for an unknown format or a path that is the
/// checkpoint itself, kCheckpoint where the file read again differs (then nothing is left behind).
ExportReport export_model(const std::string& checkpoint, const std::string& format,
                          const std::string& path = {}, const ExportOptions& options = {});

}  // namespace gannet
