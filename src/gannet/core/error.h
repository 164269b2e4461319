// The one exception type for what a user can cause: what is wrong, where, and what to do about it.
// Its kind decides the exit code of the program; its text is one line.
#pragma once

#include <stdexcept>
#include <string>

namespace gannet {

enum class ErrorKind {
  kUsage,        // wrong flag or value: exit 2
  kConfig,       // a settings, model or data file says something impossible
  kData,         // images or labels
  kCheckpoint,   // weights or saved state
  kIo,           // the file system
  kNumeric,      // non-finite loss and the like
  kMemory,       // there is too little of it
  kInterrupted,  // SIGINT or SIGTERM after a clean save: exit 3
  kDistributed,  // another rank or the launcher: exit 4
  kInternal,     // our own bug
};

/// Where a problem is. Empty parts are left out of the text; `line` counts from 1, 0 means unknown.
struct Where {
  std::string path;
  int line = 0;
  std::string key;
};

/// An error that a user can act on. `what()` reads "path:line: key: what (what to do)".
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, std::string what, Where where = {}, std::string advice = {});

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  const Where& where() const { return where_; }
  const std::string& advice() const { return advice_; }
  /// Exit status that the program ends with: 2 usage, 3 interrupted, 4 distributed, else 1.
  int exit_code() const;

 private:
  ErrorKind kind_;
  std::string message_;
  Where where_;
  std::string advice_;
};

namespace internal {
[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               const std::string& message);
}  // namespace internal

}  // namespace gannet

/// For our own bugs only; a user's mistakes are `Error`s.
#define GANNET_CHECK(condition, message)                                                           \
  do {                                                                                             \
    if (!(condition)) ::gannet::internal::check_failed(#condition, __FILE__, __LINE__, (message)); \
  } while (false)
