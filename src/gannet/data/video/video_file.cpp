#include "gannet/data/video/video_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#ifdef GANNET_WITH_VIDEO
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#endif

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/text.h"
#include "gannet/data/video/capture.h"

namespace gannet {

namespace fs = std::filesystem;

#ifdef GANNET_WITH_VIDEO

namespace {

/// Containers with a table of frames.
bool has_frame_count(const std::string& path) {
  constexpr std::array<std::string_view, 4> kSuffixes = {".mp4", ".mov", ".m4v", ".avi"};
  const std::string suffix = to_lower(fs::path(path).extension().string());
  return std::find(kSuffixes.begin(), kSuffixes.end(), suffix) != kSuffixes.end();
}

}  // namespace

struct VideoReader::Impl {
  cv::VideoCapture capture;
  VideoInfo info;
  int stride = 1;
  int frame = 0;         // number of the last one that was read or passed over
  bool ended = false;    // then `frame` is the number of frames that could be decoded
  bool counted = false;  // the file says how many frames it has, where others say their duration
};

VideoReader::VideoReader(const std::string& path, int stride) : impl_(std::make_unique<Impl>()) {
  impl_->stride = std::max(stride, 1);
  impl_->counted = has_frame_count(path);
  if (!open_capture(impl_->capture, path))
    throw Error(ErrorKind::kData, "is no video that can be read", {path, 0, {}},
                "convert it to MP4, or remove the file");
  VideoInfo& info = impl_->info;
  info.fps = impl_->capture.get(cv::CAP_PROP_FPS);
  if (!(info.fps > 0 && info.fps <= 1000)) info.fps = kUsualFps;
  const double frames = impl_->capture.get(cv::CAP_PROP_FRAME_COUNT);
  info.num_frames = frames > 0 && frames < 1e9 ? static_cast<int>(frames) : 0;
  info.size = {static_cast<int>(impl_->capture.get(cv::CAP_PROP_FRAME_WIDTH)),
               static_cast<int>(impl_->capture.get(cv::CAP_PROP_FRAME_HEIGHT))};
  if (info.size.empty())
    throw Error(ErrorKind::kData, "says no frame size", {path, 0, {}}, "convert it to MP4");
}

VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader::~VideoReader() = default;

const VideoInfo& VideoReader::info() const { return impl_->info; }

bool VideoReader::read(cv::Mat& frame) {
  const int skipped = impl_->frame == 0 ? 0 : impl_->stride - 1;
  for (int i = 0; i < skipped; ++i) {
    if (!impl_->capture.grab()) {
      impl_->ended = true;
      return false;
    }
    ++impl_->frame;
  }
  cv::Mat decoded;
  if (!impl_->capture.read(decoded) || decoded.empty()) {
    impl_->ended = true;
    return false;
  }
  ++impl_->frame;
  frame = decoded.clone();  // the capture writes the next one into the same memory
  return true;
}

int VideoReader::frame_number() const { return impl_->frame; }

int VideoReader::num_damaged() const {
  return impl_->ended && impl_->counted ? std::max(0, impl_->info.num_frames - impl_->frame) : 0;
}

struct VideoWriter::Impl {
  fs::path path, temporary;
  cv::VideoWriter writer;
  cv::Size size;
  bool finished = false;
};

VideoWriter::VideoWriter(fs::path path, double fps, cv::Size size)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = std::move(path);
  impl_->temporary = impl_->path;
  impl_->temporary.replace_filename(
      fmt::format(".{}.tmp{}.mp4", impl_->path.stem().string(), ::getpid()));
  impl_->size = size;
  quiet_decoders();
  if (!impl_->writer.open(impl_->temporary.string(), cv::CAP_FFMPEG,
                          cv::VideoWriter::fourcc('m', 'p', '4', 'v'), fps, size))
    throw Error(ErrorKind::kIo, "the video cannot be written", {impl_->path.string(), 0, {}},
                "check the folder's permissions and the free space");
}

VideoWriter::VideoWriter(VideoWriter&&) noexcept = default;

VideoWriter::~VideoWriter() {
  if (!impl_ || impl_->finished) return;
  try {
    finish();
  } catch (const Error& error) {
    log_warning("{}", error.what());
  }
}

void VideoWriter::write(const cv::Mat& bgr) {
  cv::Mat scaled;  // OpenCV drops frames of another size
  if (bgr.size() != impl_->size) cv::resize(bgr, scaled, impl_->size);
  impl_->writer.write(scaled.empty() ? bgr : scaled);
}

void VideoWriter::finish() {
  if (std::exchange(impl_->finished, true)) return;
  impl_->writer.release();
  std::error_code error;
  const auto bytes = fs::file_size(impl_->temporary, error);
  if (!error && bytes > 0) fs::rename(impl_->temporary, impl_->path, error);
  if (error || bytes == 0)
    throw Error(ErrorKind::kIo, "the video could not be written", {impl_->path.string(), 0, {}},
                "check the free space");
}

#else

namespace {

[[noreturn]] void refuse(const std::string& path) {
  throw Error(ErrorKind::kUsage, "this build reads and writes no videos", {path, 0, {}},
              "build with -DGANNET_WITH_VIDEO=ON");
}

}  // namespace

struct VideoReader::Impl {};
VideoReader::VideoReader(const std::string& path, int) { refuse(path); }
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader::~VideoReader() = default;
const VideoInfo& VideoReader::info() const { refuse({}); }
bool VideoReader::read(cv::Mat&) { refuse({}); }
int VideoReader::frame_number() const { refuse({}); }
int VideoReader::num_damaged() const { refuse({}); }

struct VideoWriter::Impl {};
VideoWriter::VideoWriter(fs::path path, double, cv::Size) { refuse(path.string()); }
VideoWriter::VideoWriter(VideoWriter&&) noexcept = default;
VideoWriter::~VideoWriter() = default;
void VideoWriter::write(const cv::Mat&) { refuse({}); }
void VideoWriter::finish() { refuse({}); }

#endif

}  // namespace gannet
