#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>

namespace gannet::cli {
namespace {

using Clock = std::chrono::steady_clock;

void draw_bar(const std::string& verb, std::int64_t done, std::int64_t total) {
  constexpr std::int64_t kWidth = 30;
  const auto filled = static_cast<std::size_t>(kWidth * done / total);
  fmt::print(stderr, "\r{} {:>{}}/{} [{:<{}}]", verb, done, std::to_string(total).size(), total,
             std::string(filled, '='), kWidth);
  if (done == total) fmt::print(stderr, "\r\x1b[K");
}

}  // namespace

std::function<void(std::int64_t, std::int64_t)> show_progress(const std::string& verb) {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const auto last = std::make_shared<Clock::time_point>(Clock::now());
  return [verb, terminal, last](std::int64_t done, std::int64_t total) {
    const auto pause = terminal ? std::chrono::milliseconds(50) : std::chrono::milliseconds(10000);
    const auto now = Clock::now();
    const bool last_of_bar = terminal && done == total;
    if (total <= 0 || (now - *last < pause && !last_of_bar)) return;
    *last = now;
    if (terminal) {
      draw_bar(verb, done, total);
    } else {
      fmt::print(stderr, "{} {} of {} images\n", verb, done, total);
    }
  };
}

}  // namespace gannet::cli
