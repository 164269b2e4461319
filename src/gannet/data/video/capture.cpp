#ifdef GANNET_WITH_VIDEO
#include "gannet/data/video/capture.h"

#include <cstdlib>
#include <opencv2/videoio.hpp>
#include <vector>

namespace gannet {

void quiet_decoders() {
  static const bool done = [] {
    constexpr int kKeepOwn = 0;  // whoever has set it wants to see more
    ::setenv("OPENCV_FFMPEG_LOGLEVEL", "-8", kKeepOwn);
    return true;
  }();
  static_cast<void>(done);
}

bool open_capture(cv::VideoCapture& capture, const std::string& source) {
  quiet_decoders();
  constexpr int kOpenMs = 8000, kReadMs = 8000;
  try {
    if (source.find_first_not_of("0123456789") == std::string::npos)
      return capture.open(std::atoi(source.c_str()), cv::CAP_V4L2);
    if (source.find("://") == std::string::npos) return capture.open(source, cv::CAP_FFMPEG);
    const std::vector<int> limits{cv::CAP_PROP_OPEN_TIMEOUT_MSEC, kOpenMs,
                                  cv::CAP_PROP_READ_TIMEOUT_MSEC, kReadMs};
    return capture.open(source, cv::CAP_FFMPEG, limits);
  } catch (const cv::Exception&) {
    return false;
  }
}

}  // namespace gannet
#endif
