// Writes what was found: drawn pictures and videos, label files, tables, crops.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/detect/frames.h"
#include "gannet/detect/output_plan.h"
#include "gannet/viz/draw.h"

namespace gannet {

struct ResultOptions {
  bool pictures = true;  // drawn images and videos
  bool drawn = false;    // frames are drawn into, whether or not pictures are written
  bool labels = false, confidences = false;
  bool json = false, csv = false, crops = false;
  int video_stride = 1;
  DrawOptions draw = {};
};

/// Grows under another name and gets its own when it is finished; else nothing is left of it.
class GrowingFile {
 public:
  /// Throws Error (kIo).
  explicit GrowingFile(std::filesystem::path path);
  ~GrowingFile();
  void write(const std::string& text);
  void finish();

 private:
  std::filesystem::path path_, temporary_;
  std::ofstream file_;
  bool finished_ = false;
};

/// Not for several threads at once.
class ResultFiles {
 public:
  /// @param plan by source
  ResultFiles(std::vector<PlannedImage> plan, const std::filesystem::path& output,
              const ResultOptions& options);

  /// What was found in a frame, which is drawn into unless nobody wants to see it.
  /// @param repeats how often the frame stands in a video, for those that were skipped
  void add(Frame& frame, const std::vector<Detection>& detections, int repeats = 1);
  /// No more frames of this source come.
  void end_source(std::size_t source);
  /// Completes all files; without it videos stay as long as they are, tables as they were before.
  /// Throws Error (kIo).
  void finish();

 private:
  void write_labels(const Frame& frame, const std::vector<Detection>& detections) const;
  void write_rows(const Frame& frame, const std::vector<Detection>& detections);
  void write_crops(const Frame& frame, const std::vector<Detection>& detections);
  void write_picture(const Frame& frame, int repeats);
  std::string stem_of(const Frame& frame) const;

  std::vector<PlannedImage> plan_;
  std::filesystem::path output_;
  ResultOptions options_;
  std::unique_ptr<GrowingFile> json_, csv_;
  bool first_row_ = true;
  std::map<std::size_t, VideoWriter> videos_;
  std::set<std::string> crops_;
};

}  // namespace gannet
