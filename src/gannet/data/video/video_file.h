// Video files, frame by frame. Without GANNET_WITH_VIDEO in the build every call says so.
#pragma once

#include <filesystem>
#include <memory>
#include <opencv2/core.hpp>
#include <string>

namespace gannet {

/// What is known of a video before its frames are read.
struct VideoInfo {
  double fps = 0;      // mean rate
  int num_frames = 0;  // as the file says, in mkv, ts and the like by its duration; 0: unknown
  cv::Size size;
};

class VideoReader {
 public:
  /// @param stride of this many frames the first one is given
  /// Throws Error (kData) for a file that cannot be opened or has no frame size.
  explicit VideoReader(const std::string& path, int stride = 1);
  VideoReader(VideoReader&&) noexcept;
  ~VideoReader();

  const VideoInfo& info() const;
  /// The next frame as BGR, in memory of its own. @return false at the end
  bool read(cv::Mat& frame);
  /// Number of the last frame in the file, from 1.
  int frame_number() const;
  /// After the end: frames that the file announced but that could not be decoded. 0 for kinds of
  /// files that do not say how many they have.
  int num_damaged() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes MPEG-4 under another name, which becomes `path` when the video is whole.
class VideoWriter {
 public:
  /// @param path with the suffix .mp4   @param fps rate at which it will be played
  /// Throws Error (kIo).
  VideoWriter(std::filesystem::path path, double fps, cv::Size size);
  VideoWriter(VideoWriter&&) noexcept;
  ~VideoWriter();  // of an unfinished video: what there is stays, under its name

  /// @param bgr a frame of another size (of a stream that changes it) is scaled to the video's
  void write(const cv::Mat& bgr);
  /// Throws Error (kIo) where nothing could be written.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gannet
