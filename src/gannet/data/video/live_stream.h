// A camera or network stream, read by a thread of its own so that the newest frame is always at
// hand.
#pragma once

#include <functional>
#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <string>

namespace gannet {

struct LiveStreamOptions {
  int stride = 1;            // of this many frames the first one counts
  int max_retries = 5;       // after this many failures in a row the stream has ended
  double first_pause_s = 1;  // before the first retry; doubles each time
  std::function<void(const std::string& note)> on_note;  // from the stream's thread; may be empty
};

struct LiveFrame {
  cv::Mat bgr;
  int number = 0;  // of the stream's frames, from 1
};

class LiveStream {
 public:
  /// @param address rtsp://, rtmp://, http(s)://, a file, or the number of a camera
  LiveStream(std::string address, LiveStreamOptions options);
  ~LiveStream();  // waits for the read under way
  LiveStream(const LiveStream&) = delete;
  LiveStream& operator=(const LiveStream&) = delete;

  /// The newest frame if it was not taken yet.
  std::optional<LiveFrame> take();
  /// Given up, and nothing is left to take.
  bool ended() const;
  double fps() const;
  /// Frames that came while others were being looked at.
  int num_skipped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gannet
