// How OpenCV opens files, streams and cameras; only for the sources of this folder.
#pragma once

#include <string>

namespace cv {
class VideoCapture;
}

namespace gannet {

/// Where a video or stream does not say its rate.
inline constexpr double kUsualFps = 25;

/// A file, an address (rtsp://, http://) or the number of a camera. Addresses that do not answer
/// give up after some seconds.
bool open_capture(cv::VideoCapture& capture, const std::string& source);

/// What FFmpeg finds wrong with a file is told by us, once and in one line.
void quiet_decoders();

}  // namespace gannet
