#include "gannet/dist/rendezvous.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <unistd.h>

#include <array>

#include "gannet/core/log.h"

namespace gannet {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kPoll{200};
/// Ranks that fail with each other report within this; who has not is missing.
constexpr Seconds kReportWait{2.5};

milliseconds to_ms(Seconds s) { return std::chrono::duration_cast<milliseconds>(s); }

std::vector<std::uint8_t> to_bytes(const std::string& text) { return {text.begin(), text.end()}; }
std::string to_text(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string failure_key(int rank) { return fmt::format("failed/{}", rank); }

}  // namespace

Rendezvous::Rendezvous(const WorldSpec& world, Seconds timeout) : world_(world) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(world.port);
  options.isServer = world.rank == 0 && world.hosts_store;
  options.numWorkers = static_cast<std::size_t>(world.size);
  options.waitWorkers = false;
  options.timeout = to_ms(timeout);
  if (options.isServer && world.listen_descriptor >= 0) {
    options.masterListenFd = world.listen_descriptor;
    options.useLibUV = false;  // only the plain backend takes over a socket
  }
  try {
    store_ = c10::make_intrusive<c10d::PrefixStore>("gannet", c10::make_intrusive<c10d::TCPStore>(world.address, options));
  } catch (const std::exception&) {
    throw Error(ErrorKind::kDistributed,
                options.isServer ? fmt::format("rank 0 cannot listen on port {}", world.port)
                                 : fmt::format("rank {} finds no rank 0 at {}:{} within {:.0f} s", world.rank, world.address, world.port, timeout.count()),
                {}, options.isServer ? "choose another MASTER_PORT" : "check MASTER_ADDR, MASTER_PORT and that rank 0 runs");
  }
  join(timeout);
}

void Rendezvous::join(Seconds timeout) {
  set(fmt::format("joined/{}", world_.rank), host_name());
  const auto deadline = Clock::now() + timeout;
  std::vector<int> missing = ranks_without("joined/");
  while (!missing.empty()) {
    if (Clock::now() > deadline) {
      const std::string why = fmt::format("{} of {} ranks have not come within {:.0f} s: {}", missing.size(), world_.size, timeout.count(), fmt::join(missing, ", "));
      report_failure(why);
      throw Error(ErrorKind::kDistributed, why, {}, "start all ranks with the same WORLD_SIZE, MASTER_ADDR and MASTER_PORT");
    }
    std::this_thread::sleep_for(kPoll);
    missing = ranks_without("joined/");
  }
}

std::vector<int> Rendezvous::ranks_without(const std::string& key_prefix) {
  std::vector<std::string> keys;
  for (int rank = 0; rank < world_.size; ++rank) keys.push_back(key_prefix + std::to_string(rank));
  if (store_->check(keys)) return {};
  std::vector<int> missing;
  for (int rank = 0; rank < world_.size; ++rank)
    if (!store_->check({keys[static_cast<std::size_t>(rank)]})) missing.push_back(rank);
  return missing;
}

void Rendezvous::set(const std::string& key, const std::string& value) { store_->set(key, to_bytes(value)); }

void Rendezvous::wait_for(const std::string& key, const std::string& what) {
  constexpr Seconds kBetweenMessages{10};
  const auto start = Clock::now();
  auto next_message = start + kBetweenMessages;
  try {
    while (!store_->check({key})) {
      if (store_->check({"failure"})) throw Error(ErrorKind::kDistributed, describe_failure());
      if (Clock::now() > next_message) {
        log_info("rank {} waits for {} ({:.0f} s)", world_.rank, what, Seconds(Clock::now() - start).count());
        next_message += std::chrono::duration_cast<Clock::duration>(kBetweenMessages);
      }
      std::this_thread::sleep_for(kPoll);
    }
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    throw Error(ErrorKind::kDistributed, fmt::format("rank 0 has gone while rank {} waited for {}", world_.rank, what));
  }
}

void Rendezvous::report_failure(const std::string& why) noexcept {
  if (reported_.exchange(true)) return;
  try {
    set(failure_key(world_.rank), fmt::format("rank {} on {}: {}", world_.rank, host_name(), why));
    store_->add("failure", 1);
  } catch (const std::exception&) {  // the store has gone, and with it whoever would read this
  }
}

std::string Rendezvous::describe_failure() noexcept {
  try {
    const auto deadline = Clock::now() + kReportWait;
    std::vector<int> silent = ranks_without("failed/");
    while (silent.size() > (reported_ ? 0u : 1u) && Clock::now() < deadline) {
      std::this_thread::sleep_for(kPoll);
      silent = ranks_without("failed/");
    }
    std::erase(silent, world_.rank);
    // Who failed by itself comes before those who only noticed.
    std::vector<std::string> causes;
    for (int rank = 0; rank < world_.size; ++rank) {
      if (rank == world_.rank || !store_->check({failure_key(rank)})) continue;
      const std::string report = to_text(store_->get(failure_key(rank)));
      if (report.find("lost contact") == std::string::npos) causes.push_back(report);
    }
    if (!causes.empty()) return fmt::format("{}", fmt::join(causes, "; "));
    if (silent.empty()) return "the connection to another rank was lost";
    std::vector<std::string> names;
    for (const int rank : silent) {
      const std::string key = fmt::format("joined/{}", rank);
      names.push_back(fmt::format("rank {} on {}", rank, to_text(store_->get(key))));
    }
    return fmt::format("{} no longer answer{}", fmt::join(names, ", "), names.size() == 1 ? "s" : "");
  } catch (const std::exception&) {
    return "rank 0 no longer answers";
  }
}

FailureWatch::FailureWatch(Rendezvous& rendezvous, Seconds grace, std::function<void(const std::string&)> on_stuck)
    : rendezvous_(rendezvous), grace_(grace), on_stuck_(std::move(on_stuck)) {
  // A connection of its own: the store's is busy while a call waits.
  thread_ = std::thread([this, store = rendezvous.store()->clone()] { run(store); });
}

FailureWatch::~FailureWatch() {
  stopping_ = true;
  thread_.join();
}

void FailureWatch::run(c10::intrusive_ptr<c10d::Store> store) {
  constexpr int kPollsPerCheck = 5;
  std::string reason;
  for (int poll = 0; reason.empty(); ++poll) {
    if (stopping_) return;
    std::this_thread::sleep_for(kPoll);
    if (poll % kPollsPerCheck != 0) continue;
    try {
      if (store->check({"failure"})) reason = "another rank has failed";
    } catch (const std::exception&) {
      reason = "rank 0 no longer answers";
    }
  }
  failure_seen_ = true;
  const auto deadline = Clock::now() + grace_;
  while (!stopping_ && Clock::now() < deadline) std::this_thread::sleep_for(kPoll);
  if (stopping_) return;
  on_stuck_(reason == "another rank has failed" ? rendezvous_.describe_failure() : reason);
}

}  // namespace gannet
