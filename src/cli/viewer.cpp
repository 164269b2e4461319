#include "viewer.h"

#include <utility>

#include "gannet/core/log.h"
#ifdef GANNET_WITH_WINDOWS
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <opencv2/highgui.hpp>
#endif

namespace gannet::cli {

#ifdef GANNET_WITH_WINDOWS
namespace {

/// Windows of larger pictures begin with this size.
constexpr int kWidest = 1280, kHighest = 720;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// What a child process does: opens a window, says nothing, and tells by its status how it went.
[[noreturn]] void try_window() {
  const int nowhere = ::open("/dev/null", O_WRONLY);
  ::dup2(nowhere, STDERR_FILENO);
  ::dup2(nowhere, STDOUT_FILENO);
  try {
    cv::namedWindow("gannet", cv::WINDOW_NORMAL);
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

}  // namespace

std::string why_no_window() {
  const std::string x11 = variable("DISPLAY"), wayland = variable("WAYLAND_DISPLAY");
  if (x11.empty() && wayland.empty()) return "neither DISPLAY nor WAYLAND_DISPLAY is set";
  const ::pid_t child = ::fork();
  if (child == 0) try_window();
  int status = 1;
  if (child > 0) ::waitpid(child, &status, 0);
  if (status == 0) return "";
  return fmt::format("the display '{}' does not answer", x11.empty() ? wayland : x11);
}

void Viewer::put_on_screen(const Picture& picture) {
  if (titles_.insert(picture.title).second) {
    cv::namedWindow(picture.title, cv::WINDOW_NORMAL | cv::WINDOW_KEEPRATIO);
    const double scale = std::min({1.0, static_cast<double>(kWidest) / picture.bgr.cols,
                                   static_cast<double>(kHighest) / picture.bgr.rows});
    cv::resizeWindow(picture.title, static_cast<int>(picture.bgr.cols * scale),
                     static_cast<int>(picture.bgr.rows * scale));
  }
  cv::imshow(picture.title, picture.bgr);
}

std::optional<Viewer::Picture> Viewer::next() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(20), [&] { return waiting_ || closed_; });
  std::optional<Picture> picture = std::exchange(waiting_, std::nullopt);
  changed_.notify_all();
  return picture;
}

void Viewer::run(const std::function<void()>& on_quit) {
  const auto is_open = [&] {
    const std::scoped_lock lock(mutex_);
    return !closed_ || waiting_;
  };
  try {
    while (is_open()) {
      if (const std::optional<Picture> picture = next()) put_on_screen(*picture);
      const int key = titles_.empty() ? -1 : cv::waitKey(1);
      if (key != -1 && (key & 0xff) == 'q') on_quit();
    }
  } catch (const cv::Exception& error) {
    log_warning("--view-img: no window is shown any more: {}", error.err);
  }
  const std::scoped_lock lock(mutex_);
  failed_ = true;
  changed_.notify_all();
}

#else

std::string why_no_window() { return "this build has none (build with -DGANNET_WITH_WINDOWS=ON)"; }
void Viewer::run(const std::function<void()>&) { failed_ = true; }

#endif

void Viewer::show(const std::string& title, const ImageView& bgr) {
  const cv::Mat picture(bgr.height, bgr.width, CV_8UC3, const_cast<std::uint8_t*>(bgr.data),
                        static_cast<std::size_t>(bgr.row_bytes));
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !waiting_ || failed_; });
  if (failed_) return;
  waiting_ = Picture{title, picture.clone()};
  changed_.notify_all();
}

void Viewer::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace gannet::cli
