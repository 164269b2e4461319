// Shows pictures in windows while a run makes them (detect --view-img).
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <opencv2/core.hpp>
#include <optional>
#include <set>
#include <string>

#include "gannet/core/image_view.h"

namespace gannet::cli {

/// Why no window can be shown here, in words; empty where one can. A child process tries it,
/// because a display that does not answer ends whoever asks it. To be called before other threads
/// are there.
std::string why_no_window();

/// One thread, the program's first, shows what another one hands over. Nothing may be shown before
/// `run`, or after `close`.
class Viewer {
 public:
  /// Waits until the picture before is on its way to the screen, and copies this one.
  /// @param title a window for each
  void show(const std::string& title, const ImageView& bgr);
  /// No more pictures come; from any thread.
  void close();
  /// Shows pictures and answers keys until `close`. @param on_quit called when q was pressed
  /// A window that fails is told in a warning; then pictures are dropped.
  void run(const std::function<void()>& on_quit);

 private:
  struct Picture {
    std::string title;
    cv::Mat bgr;
  };
  std::optional<Picture> next();
  void put_on_screen(const Picture& picture);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Picture> waiting_;
  bool closed_ = false, failed_ = false;
  std::set<std::string> titles_;
};

}  // namespace gannet::cli
