#include "gannet/data/video/live_stream.h"

#include "gannet/core/error.h"
#ifdef GANNET_WITH_VIDEO
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <opencv2/videoio.hpp>
#include <thread>
#include <utility>

#include "gannet/data/video/capture.h"

namespace gannet {

struct LiveStream::Impl {
  std::string address;
  LiveStreamOptions options;
  mutable std::mutex mutex;
  std::condition_variable stopping;
  std::optional<LiveFrame> newest;
  double fps = kUsualFps;
  int frames = 0, skipped = 0;
  bool stop = false, gave_up = false;
  std::thread thread;

  void note(const std::string& text) const {
    if (options.on_note) options.on_note(fmt::format("{}: {}", address, text));
  }

  /// @return false when the stream is to stop
  bool pause(double seconds) {
    std::unique_lock lock(mutex);
    return !stopping.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return stop; });
  }

  bool stopped() const {
    const std::scoped_lock lock(mutex);
    return stop;
  }

  void publish(cv::Mat bgr) {
    const std::scoped_lock lock(mutex);
    skipped += newest ? 1 : 0;
    newest = LiveFrame{std::move(bgr), frames};
  }

  /// Reads until the connection breaks. @return whether there was any frame
  bool read_connection() {
    cv::VideoCapture capture;
    if (!open_capture(capture, address)) return false;
    const double rate = capture.get(cv::CAP_PROP_FPS);
    if (rate > 0 && rate <= 1000) {
      const std::scoped_lock lock(mutex);
      fps = rate;
    }
    bool any = false;
    while (!stopped() && capture.grab()) {
      ++frames;
      any = true;
      if ((frames - 1) % options.stride != 0) continue;
      cv::Mat bgr;
      if (capture.retrieve(bgr) && !bgr.empty()) publish(bgr.clone());
    }
    return any;
  }

  void run() {
    int failures = 0;
    double pause_s = options.first_pause_s;
    while (!stopped()) {
      if (read_connection()) {
        failures = 0;
        pause_s = options.first_pause_s;
      }
      if (stopped() || ++failures > options.max_retries) break;
      note(fmt::format("no frames, trying again in {:g} s ({} of {})", pause_s, failures,
                       options.max_retries));
      if (!pause(pause_s)) break;
      pause_s *= 2;
    }
    if (!stopped()) note("gave no frames any more");
    const std::scoped_lock lock(mutex);
    gave_up = true;
  }
};

LiveStream::LiveStream(std::string address, LiveStreamOptions options)
    : impl_(std::make_unique<Impl>()) {
  impl_->address = std::move(address);
  impl_->options = std::move(options);
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

LiveStream::~LiveStream() {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->stopping.notify_all();
  impl_->thread.join();
}

std::optional<LiveFrame> LiveStream::take() {
  const std::scoped_lock lock(impl_->mutex);
  return std::exchange(impl_->newest, std::nullopt);
}

bool LiveStream::ended() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->gave_up && !impl_->newest;
}

double LiveStream::fps() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->fps;
}

int LiveStream::num_skipped() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->skipped;
}

}  // namespace gannet

#else

namespace gannet {

struct LiveStream::Impl {};
LiveStream::LiveStream(std::string address, LiveStreamOptions) {
  throw Error(ErrorKind::kUsage, "this build reads no streams", {address, 0, {}},
              "build with -DGANNET_WITH_VIDEO=ON");
}
LiveStream::~LiveStream() = default;
std::optional<LiveFrame> LiveStream::take() { return {}; }
bool LiveStream::ended() const { return true; }
double LiveStream::fps() const { return 0; }
int LiveStream::num_skipped() const { return 0; }

}  // namespace gannet
#endif
