// Child processes for tests of what processes share. A child never returns into GoogleTest.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <functional>

namespace gannet::testing {

/// Runs `work` in a child; it exits with 0 if that is true, with 1 if false and 2 if it throws.
inline pid_t start_child(const std::function<bool()>& work) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  try {
    ::_exit(work() ? 0 : 1);
  } catch (...) {
    ::_exit(2);
  }
}

/// Exit status of a child, or minus the signal that ended it.
inline int wait_for_child(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return -1000;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace gannet::testing
