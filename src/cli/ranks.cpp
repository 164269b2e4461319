#include "ranks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gannet/core/atomic_file.h"
#include "gannet/core/log.h"
#include "gannet/dist/agreement.h"
#include "gannet/dist/launcher.h"
#include "gannet/dist/process_group.h"
#include "gannet/ops/version.h"

namespace gannet::cli {
namespace {

/// This process's own arguments, without the program's name.
std::vector<std::string> own_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  arguments.erase(arguments.begin());
  return arguments;
}

/// Tells the parent of --nproc, through a file, where the run's checkpoints are.
class RunFileObserver final : public RunObserver {
 public:
  explicit RunFileObserver(std::string file) : file_(std::move(file)) {}
  void on_run_start(const RunInfo& info) override {
    write_file_atomically(file_,
                          (std::filesystem::absolute(info.directory) / "weights/last.pt").string());
  }

 private:
  std::string file_;
};
constexpr const char* kRunFileVariable = "GANNET_RUN_FILE";

}  // namespace

void RankFlags::add_to(CLI::App& command) {
  command.add_option("--nproc", nproc, "start this many processes on this machine")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command.add_option("--local_rank", local_rank,
                     "accepted for old launchers; the environment decides");
}

int launch_ranks(int nproc, int max_restarts) {
  const std::string run_file =
      (std::filesystem::temp_directory_path() / fmt::format("gannet-run-{}", ::getpid())).string();
  ::setenv(kRunFileVariable, run_file.c_str(), 1);
  LaunchOptions options;
  options.num_processes = nproc;
  options.program = std::filesystem::read_symlink("/proc/self/exe");
  options.arguments = own_arguments();
  options.failure_file =
      (std::filesystem::temp_directory_path() / fmt::format("gannet-failure-{}", ::getpid()))
          .string();
  options.on_line = [](int rank, const std::string& line, bool is_error) {
    fmt::print(is_error ? stderr : stdout, "[rank {}] {}\n", rank, line);
  };
  LaunchResult result;
  for (int restart = 0;; ++restart) {
    result = launch_local(options);
    for (const std::string& other : result.others) fmt::print(stderr, "warning: {}\n", other);
    if (!result.message.empty()) fmt::print(stderr, "error: {}\n", result.message);
    const bool failed = result.exit_code == 1 || result.exit_code == 4;
    if (!failed || restart == max_restarts) break;
    const std::string last = std::filesystem::exists(run_file) ? read_file(run_file) : "";
    const bool can_resume = !last.empty() && std::filesystem::exists(last);
    if (can_resume) options.arguments = {"train", "--resume", last};
    log_warning("restart {} of {} {}", restart + 1, max_restarts,
                can_resume ? "from " + last : "from the beginning");
  }
  std::filesystem::remove(run_file);
  return result.exit_code;
}

std::shared_ptr<Communicator> join_ranks(const std::optional<WorldSpec>& world,
                                         const std::string& device, double timeout) {
  if (!world || world->size == 1) return nullptr;
  if (world->rank > 0 && log_level() == LogLevel::kInfo) set_log_level(LogLevel::kWarning);
  ProcessGroupOptions options;
  options.timeout_seconds = timeout;
  if (device != "cpu" && gpus_available())
    options.gpus = ranks_share_a_device(device) ? GpuLinks::kGloo : GpuLinks::kNccl;
  options.check_order = log_level() == LogLevel::kDebug;
  options.on_stuck = [](const std::string& why) {
    fmt::print(stderr, "error: {}\n", why);
    std::_Exit(4);
  };
  return join_process_group(*world, options);
}

void tell_launcher_of_run(Trainer& trainer) {
  if (const char* file = std::getenv(kRunFileVariable))
    trainer.add_observer(std::make_unique<RunFileObserver>(file));
}

}  // namespace gannet::cli
