#include "gannet/dist/launcher.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"

namespace gannet {
namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t stop_requests = 0;
extern "C" void count_stop_request(int) { stop_requests = stop_requests + 1; }

/// Signal handlers of the parent while ranks run; the former ones come back afterwards.
class StopSignals {
 public:
  StopSignals() {
    stop_requests = 0;
    struct sigaction action {};
    action.sa_handler = count_stop_request;
    ::sigaction(SIGINT, &action, &former_interrupt_);
    ::sigaction(SIGTERM, &action, &former_terminate_);
  }
  ~StopSignals() {
    ::sigaction(SIGINT, &former_interrupt_, nullptr);
    ::sigaction(SIGTERM, &former_terminate_, nullptr);
  }

 private:
  struct sigaction former_interrupt_ {
  }, former_terminate_{};
};

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kDistributed, fmt::format("{}: {}", what, std::strerror(errno)));
}

/// A listening socket on a free port of the loopback; rank 0 takes it over, so nobody can be
/// faster.
struct ListeningSocket {
  ListeningSocket() : descriptor(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (descriptor < 0 || ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      fail("cannot get a port for the ranks");
    }
    port = ntohs(address.sin_port);
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  }
  ~ListeningSocket() { ::close(descriptor); }
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  int descriptor, port = 0;
};

/// Output of a rank, cut into lines.
struct Stream {
  int descriptor = -1, rank = 0;
  bool is_error = false;
  std::string partial;
};

class Launch {
 public:
  explicit Launch(const LaunchOptions& options) : options_(options) {}

  LaunchResult run() {
    if (::access(options_.program.c_str(), X_OK) != 0) fail("cannot execute " + options_.program);
    for (int rank = 0; rank < options_.num_processes; ++rank) start(rank);
    ::close(socket_.descriptor);
    socket_.descriptor = -1;
    while (!running_.empty()) {
      read_output();
      reap();
      enforce();
    }
    read_output();
    take_reasons();
    return result_;
  }

  ~Launch() {  // only after an exception are any left
    signal_all(SIGKILL);
    for (const auto& [pid, rank] : running_) ::waitpid(pid, nullptr, 0);
    for (const Stream& stream : streams_) ::close(stream.descriptor);
  }

 private:
  void start(int rank) {
    std::array<std::array<int, 2>, 2> pipes{{{-1, -1}, {-1, -1}}};
    if (rank > 0) {
      for (auto& ends : pipes)
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("cannot connect the output of a rank");
    }
    const auto environment = environment_of(rank);
    const pid_t parent = ::getpid(), child = ::fork();
    if (child < 0) fail("cannot start a process");
    if (child == 0) become_rank(rank, parent, pipes, environment);
    ::setpgid(child, child);  // as the child does: whoever is first
    running_[child] = rank;
    for (std::size_t i = 0; i < pipes.size() && rank > 0; ++i) {
      ::close(pipes[i][1]);
      ::fcntl(pipes[i][0], F_SETFL, O_NONBLOCK);
      streams_.push_back({pipes[i][0], rank, i == 1, {}});
    }
  }

  std::vector<std::string> environment_of(int rank) const {
    const int size = options_.num_processes;
    std::vector<std::string> added = {fmt::format("RANK={}", rank),
                                      fmt::format("WORLD_SIZE={}", size),
                                      fmt::format("LOCAL_RANK={}", rank),
                                      fmt::format("LOCAL_WORLD_SIZE={}", size),
                                      "MASTER_ADDR=127.0.0.1",
                                      fmt::format("MASTER_PORT={}", socket_.port)};
    if (rank == 0) added.push_back(fmt::format("GANNET_STORE_SOCKET={}", socket_.descriptor));
    if (!options_.failure_file.empty())
      added.push_back(fmt::format("{}={}.{}", kFailureFileVariable, options_.failure_file, rank));
    // Ranks share the cores, unless the user decided.
    if (std::getenv("OMP_NUM_THREADS") == nullptr) {
      const auto cores =
          std::max(1u, std::thread::hardware_concurrency() / static_cast<unsigned>(size));
      added.push_back(fmt::format("OMP_NUM_THREADS={}", cores));
    }
    return added;
  }

  // Between fork and exec: only calls that are safe there. A child that cannot go on ends by a
  // signal, which the parent reports.
  [[noreturn]] void become_rank(int rank, pid_t parent,
                                const std::array<std::array<int, 2>, 2>& pipes,
                                const std::vector<std::string>& environment) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) end_child();
    ::setpgid(0, 0);  // the terminal's Ctrl-C reaches the parent alone, which passes it on once
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    if (rank > 0) {
      ::dup2(pipes[0][1], STDOUT_FILENO);
      ::dup2(pipes[1][1], STDERR_FILENO);
    } else {
      ::fcntl(socket_.descriptor, F_SETFD, 0);
    }
    for (const std::string& entry : environment) ::putenv(const_cast<char*>(entry.c_str()));
    std::vector<char*> arguments{const_cast<char*>(options_.program.c_str())};
    for (const std::string& argument : options_.arguments)
      arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    ::execv(options_.program.c_str(), arguments.data());
    end_child();
  }

  [[noreturn]] static void end_child() {
    while (true) ::kill(::getpid(), SIGKILL);
  }

  void read_output() {
    std::vector<pollfd> polled;
    for (const Stream& stream : streams_) polled.push_back({stream.descriptor, POLLIN, 0});
    constexpr int kWait_ms = 50;
    ::poll(polled.data(), polled.size(), kWait_ms);
    for (Stream& stream : streams_) read(stream);
  }

  void read(Stream& stream) const {
    std::array<char, 4096> buffer;
    ssize_t count = 0;
    while ((count = ::read(stream.descriptor, buffer.data(), buffer.size())) > 0) {
      stream.partial.append(buffer.data(), static_cast<std::size_t>(count));
      for (std::size_t end = 0; (end = stream.partial.find('\n')) != std::string::npos;) {
        if (options_.on_line)
          options_.on_line(stream.rank, stream.partial.substr(0, end), stream.is_error);
        stream.partial.erase(0, end + 1);
      }
    }
  }

  void reap() {
    for (auto next = running_.begin(); next != running_.end();) {
      const auto [pid, rank] = *next;
      int status = 0;
      const bool ended = ::waitpid(pid, &status, WNOHANG) == pid;
      next = ended ? running_.erase(next) : std::next(next);
      if (ended) note_end(rank, status);
    }
  }

  /// Files that ranks left: the reason of the one that decides, and of the others.
  void take_reasons() {
    for (int rank = 0; rank < options_.num_processes && !options_.failure_file.empty(); ++rank) {
      const std::string path = fmt::format("{}.{}", options_.failure_file, rank);
      std::error_code ignored;
      if (!std::filesystem::exists(path, ignored)) continue;
      const std::string reason = read_file(path);
      std::filesystem::remove(path, ignored);
      if (rank == cause_ && result_.message.empty()) {
        result_.message = fmt::format("rank {}: {}", rank, reason);
      } else {
        result_.others.push_back(fmt::format("rank {}: {}", rank, reason));
      }
    }
  }

  // The first failure decides, but a cause outranks those that only noticed (4), and these outrank
  // ranks that were killed from here because they did not end.
  void note_end(int rank, int status) {
    const bool was_asked = seen_requests_ > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : was_asked ? 3 : 4;
    if (code == 0) return;
    if (!deadline_set_) set_deadline();
    const bool by_signal = WIFSIGNALED(status) && !was_asked;
    const int weight = code != 4 ? 3 : by_signal && !has_killed_ ? 3 : by_signal ? 1 : 2;
    if (weight <= cause_weight_) return;
    cause_weight_ = weight;
    cause_ = rank;
    result_ = {code, {}, {}};
    if (was_asked) {
      result_.message = "interrupted";
    } else if (by_signal && has_killed_) {
      result_.message = fmt::format("rank {} did not end and was killed", rank);
    } else if (by_signal) {
      result_.message = fmt::format("rank {} was ended by signal {} ({}){}", rank, WTERMSIG(status),
                                    ::strsignal(WTERMSIG(status)),
                                    WTERMSIG(status) == SIGKILL ? "; was the memory enough?" : "");
    }
  }

  void set_deadline() {
    deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                   std::chrono::duration<double>(options_.stop_seconds));
    deadline_set_ = true;
  }

  // SIGKILL goes to whatever a rank has started, too.
  void signal_all(int signal) const {
    for (const auto& [pid, rank] : running_) ::kill(signal == SIGKILL ? -pid : pid, signal);
  }

  // Passes stop requests on; what still runs at the deadline is killed.
  void enforce() {
    const int requests = stop_requests;
    if (requests > seen_requests_) {
      signal_all(seen_requests_ == 0 ? SIGTERM : SIGKILL);
      has_killed_ = has_killed_ || seen_requests_ > 0;
      if (seen_requests_ == 0) set_deadline();
      seen_requests_ = requests;
    }
    if (deadline_set_ && Clock::now() > deadline_) {
      has_killed_ = true;
      signal_all(SIGCONT);  // a stopped process can be killed, but not asked
      signal_all(SIGKILL);
    }
  }

  const LaunchOptions& options_;
  StopSignals signals_;
  ListeningSocket socket_;
  std::map<pid_t, int> running_;
  std::vector<Stream> streams_;
  LaunchResult result_;
  Clock::time_point deadline_;
  bool deadline_set_ = false;
  bool has_killed_ = false;
  int cause_ = -1, cause_weight_ = 0;
  int seen_requests_ = 0;
};

}  // namespace

LaunchResult launch_local(const LaunchOptions& options) { return Launch(options).run(); }

}  // namespace gannet
