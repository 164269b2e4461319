#include "gannet/observe/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include "gannet/observe/rows.h"

namespace gannet {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kPlainSeconds = 10;
constexpr int kBarWidth = 20;

std::string rates(const TrainProgress& progress) {
  return fmt::format("{:.4g} img/s  wait {}%", progress.images_per_second,
                     std::lround(100 * progress.data_wait_fraction));
}

std::string counter(const StepEvent& step) {
  const std::int64_t done = step.step + 1;
  const auto percent = step.steps > 0 ? 100 * done / step.steps : 100;
  return fmt::format("{:3}%  {}/{}", percent, done, step.steps);
}

std::string bar(const StepEvent& step, int width) {
  const double part =
      step.steps > 0 ? static_cast<double>(step.step + 1) / static_cast<double>(step.steps) : 1;
  const auto filled = static_cast<std::size_t>(std::clamp(part, 0.0, 1.0) * width);
  std::string text(static_cast<std::size_t>(width), '-');
  std::fill_n(text.begin(), filled, '#');
  return "  [" + text + "]";
}

/// The whole progress line; the bar takes what room the terminal leaves.
std::string progress_line(const StepEvent& step, int columns) {
  const std::string left = progress_columns(step);
  const std::string right = fmt::format("  {}  {}  {} left", counter(step), rates(step),
                                        format_duration(step.seconds_left));
  const int used = static_cast<int>(left.size() + right.size()) + 5;
  const int room = columns > 0 ? std::min(kBarWidth, columns - used) : kBarWidth;
  return left + (room >= 5 ? bar(step, room) : std::string()) + right;
}

}  // namespace

ConsoleOptions stdout_console() {
  ConsoleOptions options;
  options.write = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  };
  options.now = [] {
    const auto time = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(time).count();
  };
  options.terminal = ::isatty(STDOUT_FILENO) == 1;
  winsize size{};
  if (options.terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    options.columns = size.ws_col;
  }
  return options;
}

ConsoleObserver::ConsoleObserver(ConsoleOptions options) : options_(std::move(options)) {}

/// Replaces the open line on a terminal; writes a line of its own elsewhere.
void ConsoleObserver::draw(const std::string& line) {
  if (!options_.terminal) {
    options_.write(line + "\n");
    return;
  }
  const auto limit =
      options_.columns > 1 ? static_cast<std::size_t>(options_.columns - 1) : line.size();
  options_.write("\r" + line.substr(0, limit) + "\x1b[K");
  line_open_ = true;
}

void ConsoleObserver::on_epoch_start(const EpochStart& /*start*/) {
  if (options_.terminal || !header_shown_) options_.write("\n" + progress_header() + "\n");
  if (!header_shown_) last_drawn_ = options_.now();
  header_shown_ = true;
}

void ConsoleObserver::on_step(const StepEvent& step) {
  const double now = options_.now();
  if (now - last_drawn_ < (options_.terminal ? kRedrawSeconds : kPlainSeconds)) return;
  last_drawn_ = now;
  draw(progress_line(step, options_.columns));
}

void ConsoleObserver::on_epoch_end(const EpochRow& row) {
  last_drawn_ = options_.now();
  draw(fmt::format("{}  {}  {}", progress_columns(row), rates(row), format_duration(row.seconds)));
  if (line_open_) options_.write("\n");
  line_open_ = false;
  if (!row.evaluated) return;
  const MeanMetrics& m = row.metrics;
  options_.write(validation_header() + "\n" +
                 validation_row({"all", row.val_images, row.val_targets, m.precision, m.recall,
                                 m.map50, m.map}) +
                 "\n");
}

void ConsoleObserver::on_run_end(const RunSummary& /*summary*/) { close_line(); }

void ConsoleObserver::on_run_failed(const RunFailure& /*failure*/) { close_line(); }

void ConsoleObserver::close_line() {
  if (line_open_) options_.write("\n");
  line_open_ = false;
}

}  // namespace gannet
