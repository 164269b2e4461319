#include "gannet/core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gannet/core/text.h"

namespace gannet {
namespace {

std::string compose(const std::string& what, const Where& where, const std::string& advice) {
  std::string text;
  if (!where.path.empty()) {
    text += where.path;
    if (where.line > 0) text += fmt::format(":{}", where.line);
    text += ": ";
  }
  if (!where.key.empty()) text += fmt::format("{}: ", where.key);
  text += what;
  if (!advice.empty()) text += fmt::format(" ({})", advice);
  std::replace(text.begin(), text.end(), '\n', ' ');
  constexpr std::size_t kMaxBytes = 4000;
  return printable(text, kMaxBytes);
}

}  // namespace

Error::Error(ErrorKind kind, std::string what, Where where, std::string advice)
    : std::runtime_error(compose(what, where, advice)),
      kind_(kind),
      message_(std::move(what)),
      where_(std::move(where)),
      advice_(std::move(advice)) {}

int Error::exit_code() const {
  switch (kind_) {
    case ErrorKind::kUsage:
      return 2;
    case ErrorKind::kInterrupted:
      return 3;
    case ErrorKind::kDistributed:
      return 4;
    default:
      return 1;
  }
}

namespace internal {
void check_failed(const char* condition, const char* file, int line, const std::string& message) {
  throw Error(
      ErrorKind::kInternal,
      fmt::format("internal check failed: {} [{} at {}:{}]", message, condition, file, line), {},
      "please report this with the command line");
}
}  // namespace internal

}  // namespace gannet
