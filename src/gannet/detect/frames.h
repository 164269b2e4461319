// Decodes sources in a thread of its own, one frame after the other.
#pragma once

#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gannet/core/bounded_queue.h"
#include "gannet/data/video/video_file.h"

namespace gannet {

/// One picture to look at.
struct Frame {
  std::size_t source = 0;    // position in the list of sources
  cv::Mat bgr;               // empty: only what is said below
  int number = 0;            // in its video, from 1; 0 of an image
  VideoInfo video = {};      // of a video
  std::string failure = {};  // why the source could not be read
  bool last = false;         // of its source
  int damaged = 0;           // with `last` of a video: frames that could not be decoded
};

/// Images and videos, in order.
class FileFrames {
 public:
  /// @param stride of this many frames of a video the first one is given
  FileFrames(std::vector<std::string> paths, int stride);
  ~FileFrames();
  FileFrames(const FileFrames&) = delete;
  FileFrames& operator=(const FileFrames&) = delete;

  /// Waits for the next frame; nothing at the end.
  std::optional<Frame> next() { return queue_.pop(); }

 private:
  void read(std::size_t source);
  void read_video(std::size_t source);

  std::vector<std::string> paths_;
  int stride_;
  BoundedQueue<Frame> queue_;
  std::thread thread_;
};

}  // namespace gannet
