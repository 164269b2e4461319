#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <future>
#include <map>

#include "commands.h"
#include "flags.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/memory.h"
#include "gannet/core/stopwatch.h"
#include "gannet/core/text.h"
#include "gannet/detect/detect_files.h"
#include "gannet/ops/thread_waiting.h"
#include "print.h"
#include "viewer.h"

namespace gannet::cli {
namespace {

constexpr int kInterruptedCode = 3;

// "3 stop, 1 yield", most certain class first
std::string count_classes(const std::vector<Detection>& detections) {
  std::map<int, std::pair<std::string, int>> counts;
  for (const Detection& d : detections) {
    counts[d.class_id].first = d.label;
    ++counts[d.class_id].second;
  }
  std::string text;
  for (const auto& [id, entry] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", entry.second, entry.first);
  return text.empty() ? "nothing" : text;
}

std::atomic<bool> stop_wanted{false};

// The first signal ends with whole files, the second one at once.
extern "C" void stop_detecting(int signal) {
  std::signal(signal, SIG_DFL);
  stop_wanted = true;
}

/// A line for each image; of videos and streams one that is redrawn on a terminal, elsewhere a line
/// every few seconds.
class Progress {
 public:
  explicit Progress(int video_stride) : video_stride_(video_stride) {}

  void show(const FrameDetections& result) {
    const bool is_image = result.frame == 0;
    const bool ends = result.frame + video_stride_ > result.num_frames && result.num_frames > 0;
    if (!is_image && !ends && last_shown_.seconds() < (terminal_ ? 0.1 : 5)) return;
    last_shown_ = Stopwatch();
    std::string text =
        fmt::format("{} {}/{} ", is_image ? "image" : "video", result.number, result.total);
    if (!is_image)
      text += result.num_frames > 0 ? fmt::format("({}/{}) ", result.frame, result.num_frames)
                                    : fmt::format("({}) ", result.frame);
    text += fmt::format("{}: {}x{} {}. ({:.3f} s)", result.path, result.input_height,
                        result.input_width, count_classes(result.detections), result.seconds);
    const bool stays = is_image || ends || !terminal_;
    constexpr std::size_t kMaxBytes = 4000;
    fmt::print("{}{}{}", terminal_ && !is_image ? "\r\033[K" : "", printable(text, kMaxBytes),
               stays ? "\n" : "");
    std::fflush(stdout);
    line_open_ = !stays;
  }
  void end() const {
    if (line_open_) print_line("");
  }

 private:
  int video_stride_;
  bool terminal_ = ::isatty(STDOUT_FILENO) == 1, line_open_ = false;
  Stopwatch last_shown_;
};

/// Detects in a thread of its own while this one shows what comes.
DetectSummary detect_and_show(const DetectSettings& settings, DetectEvents events) {
  Viewer viewer;
  events.picture = [&](const FrameDetections& result, const ImageView& drawn) {
    viewer.show(result.frame > 0 ? result.path : "gannet", drawn);  // pictures share a window
  };
  std::future<DetectSummary> detection = std::async(std::launch::async, [&] {
    const std::shared_ptr<Viewer> at_the_end(&viewer, [](Viewer* v) { v->close(); });
    return detect_files(settings, events);
  });
  viewer.run([] { stop_wanted = true; });
  return detection.get();
}

int run(const DetectSettings& settings, bool view) {
  if (const std::string why = view ? why_no_window() : ""; !why.empty()) {
    log_warning("--view-img: no window is shown: {}", why);
    view = false;
  }
  prepare_operator_threads();
  keep_freed_memory();
  std::signal(SIGINT, stop_detecting);
  std::signal(SIGTERM, stop_detecting);
  Progress progress(settings.vid_stride);
  const DetectEvents events = {[&](const FrameDetections& result) { progress.show(result); },
                               [] { return stop_wanted.load(); }};
  const DetectSummary summary =
      view ? detect_and_show(settings, events) : detect_files(settings, events);
  progress.end();
  print_line("{} objects in {} images, {:.1f} images/s; results in {}", summary.detections,
             summary.images, summary.images / std::max(summary.seconds, 1e-9), summary.output);
  if (summary.damaged > 0) print_line("{} damaged frames were left out", summary.damaged);
  if (summary.skipped > 0)
    print_line("{} frames came faster than they could be looked at", summary.skipped);
  if (summary.stopped) {
    print_line("stopped; what was looked at is whole");
    return kInterruptedCode;
  }
  if (summary.images == 0)
    throw Error(ErrorKind::kData, "none of the sources could be read", {{}, 0, "--source"});
  return 0;
}

}  // namespace

void add_detect(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("detect", "find objects in images, videos and streams");
  auto settings = std::make_shared<DetectSettings>();
  fields_of_detect(FlagAdder{*command}, *settings);
  command->get_option("--weights")->required();
  command->get_option("--source")->required();
  auto view = std::make_shared<bool>(false);
  command->add_flag("--view-img", *view, "show what is found in windows; q ends the run");
  command->callback(
      [settings, view, &action] { action = [settings, view] { return run(*settings, *view); }; });
}

}  // namespace gannet::cli
