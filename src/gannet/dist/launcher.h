// Starts the ranks of one machine as child processes and answers for them: none outlives the
// parent, and when one fails the others end too.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace gannet {

struct LaunchOptions {
  int num_processes = 2;
  std::string program;                 // path of the executable
  std::vector<std::string> arguments;  // of every rank, without the program's name
  /// One line that rank `rank` wrote; rank 0 writes straight to the parent's streams.
  std::function<void(int rank, const std::string& line, bool is_error)> on_line;
  /// Where ranks leave why they failed, "FILE.RANK"; told to them as kFailureFileVariable.
  std::string failure_file;
  double stop_seconds = 10;  // from a stop request, or the first failure, to SIGKILL
};

/// How a world ended.
struct LaunchResult {
  int exit_code = 0;    // 0 when all ranks ended well, else that of the rank that failed first
  std::string message;  // why: what the rank left, or which signal ended it
  /// What other ranks left, as "rank 1: ...", in the order of ranks.
  std::vector<std::string> others;
};

inline constexpr const char* kFailureFileVariable = "GANNET_FAILURE_FILE";

/// Runs all ranks to their end. SIGINT and SIGTERM are passed on once as SIGTERM; a second one
/// kills. Throws Error (kDistributed) when a process cannot be started.
LaunchResult launch_local(const LaunchOptions& options);

}  // namespace gannet
