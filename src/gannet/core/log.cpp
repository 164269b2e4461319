#include "gannet/core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>

#include "gannet/core/error.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

constexpr std::size_t kMaxMessageBytes = 4000;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    default:
      return spdlog::level::err;
  }
}

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance = [] {
    auto terminal = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    const char* no_colour = std::getenv("NO_COLOR");  // https://no-color.org
    if (no_colour != nullptr && *no_colour != '\0')
      terminal->set_color_mode(spdlog::color_mode::never);
    terminal->set_pattern("%^%l%$: %v");
    return std::make_shared<spdlog::logger>("gannet", terminal);
  }();
  return instance;
}

}  // namespace

void set_log_level(LogLevel level) { logger()->set_level(to_spdlog(level)); }

LogLevel log_level() {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning})
    if (logger()->should_log(to_spdlog(level))) return level;
  return LogLevel::kError;
}

void add_log_file(const std::filesystem::path& path) {
  try {
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
    file->set_pattern("%Y-%m-%d %H:%M:%S %l: %v");
    logger()->sinks().push_back(std::move(file));
    logger()->flush_on(spdlog::level::info);
  } catch (const spdlog::spdlog_ex& e) {
    throw Error(ErrorKind::kIo, e.what(), {path.string(), 0, {}}, "is the folder writable?");
  }
}

void close_log_files() { logger()->sinks().resize(1); }

void log_message(LogLevel level, const std::string& message) {
  logger()->log(to_spdlog(level), printable(message, kMaxMessageBytes));
}

}  // namespace gannet
