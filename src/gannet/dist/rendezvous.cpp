#include "gannet/dist/rendezvous.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netdb.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <type_traits>

#include "gannet/core/log.h"

namespace gannet {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kPoll{200};
/// Ranks that fail with each other report within this; who has not is missing.
constexpr Seconds kReportWait{2.5};
/// How long rank 0, when it has failed, waits for the others to read why.
constexpr Seconds kHearWait{1.5};
/// How long rank 0 waits for the others at the end of a run.
constexpr Seconds kLeaveWait{10};
/// A store that answers later than this has gone.
constexpr Seconds kStoreLimit{30};
constexpr const char* kStoreGone = "rank 0 no longer answers";

milliseconds to_ms(Seconds s) { return std::chrono::duration_cast<milliseconds>(s); }

std::vector<std::uint8_t> to_bytes(const std::string& text) { return {text.begin(), text.end()}; }
std::string to_text(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

bool is_known_host(const std::string& name) {
  addrinfo* addresses = nullptr;
  const bool known = ::getaddrinfo(name.c_str(), nullptr, nullptr, &addresses) == 0;
  if (known) ::freeaddrinfo(addresses);
  return known;
}

std::string failure_key(int rank) { return fmt::format("failed/{}", rank); }
std::string heard_key(int rank) { return fmt::format("heard/{}", rank); }

using StorePointer = c10::intrusive_ptr<c10d::Store>;

/// Runs `work` on a thread of its own. A store whose machine cannot be reached answers never, and
/// its calls cannot be ended: then the thread is left behind. @return the future of its result
template <class Work>
auto run_apart(Work work) {
  std::packaged_task<std::invoke_result_t<Work>()> task(std::move(work));
  auto result = task.get_future();
  std::thread(std::move(task)).detach();
  return result;
}

/// Says what a rank waits for: after 10 s, and ever more rarely. Warnings, for all ranks show
/// these.
class WaitMessages {
 public:
  WaitMessages(int rank, std::string what) : rank_(rank), what_(std::move(what)) {}

  void say_if_due() {
    const auto waited = Clock::now() - start_;
    if (waited < next_) return;
    log_warning("rank {} waits for {} ({:.0f} s)", rank_, what_, Seconds(waited).count());
    next_ *= 2;
  }

 private:
  int rank_;
  std::string what_;
  Clock::time_point start_ = Clock::now();
  std::chrono::seconds next_{10};
};

template <class T>
bool ready_within(const std::future<T>& future, Seconds limit) {
  return future.wait_for(limit) == std::future_status::ready;
}

std::vector<int> ranks_without(c10d::Store& store, int size, const std::string& key_prefix) {
  std::vector<std::string> keys;
  for (int rank = 0; rank < size; ++rank) keys.push_back(key_prefix + std::to_string(rank));
  if (store.check(keys)) return {};
  std::vector<int> missing;
  for (int rank = 0; rank < size; ++rank)
    if (!store.check({keys[static_cast<std::size_t>(rank)]})) missing.push_back(rank);
  return missing;
}

std::string describe(c10d::Store& store, const WorldSpec& world, bool reported) {
  const auto deadline = Clock::now() + kReportWait;
  std::vector<int> silent = ranks_without(store, world.size, "failed/");
  while (silent.size() > (reported ? 0u : 1u) && Clock::now() < deadline) {
    std::this_thread::sleep_for(kPoll);
    silent = ranks_without(store, world.size, "failed/");
  }
  std::erase(silent, world.rank);
  // Who failed by itself comes before those who only noticed.
  std::vector<std::string> causes;
  for (int rank = 0; rank < world.size; ++rank) {
    if (rank == world.rank || !store.check({failure_key(rank)})) continue;
    const std::string report = to_text(store.get(failure_key(rank)));
    if (report.find("lost contact") == std::string::npos) causes.push_back(report);
  }
  if (!causes.empty()) return fmt::format("{}", fmt::join(causes, "; "));
  if (silent.empty()) return "the connection to another rank was lost";
  std::vector<std::string> names;
  for (const int rank : silent)
    names.push_back(
        fmt::format("rank {} on {}", rank, to_text(store.get(fmt::format("joined/{}", rank)))));
  return fmt::format("{} no longer answer{}", fmt::join(names, ", "), names.size() == 1 ? "s" : "");
}

std::string describe_within(const StorePointer& store, const WorldSpec& world,
                            bool reported) noexcept {
  try {
    auto text = run_apart([store, world, reported] { return describe(*store, world, reported); });
    if (ready_within(text, 2 * kReportWait)) return text.get();
  } catch (const std::exception&) {  // the store has gone
  }
  return kStoreGone;
}

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
    auto store = run_apart([address = world.address, options] {
      return c10::make_intrusive<c10d::TCPStore>(address, options);
    });
    WaitMessages messages(world.rank, fmt::format("rank 0 at {}:{}", world.address, world.port));
    const auto deadline = Clock::now() + timeout;  // the store itself may try for twice as long
    while (!ready_within(store, kPoll)) {
      messages.say_if_due();
      if (Clock::now() > deadline) throw std::runtime_error("no answer");
    }
    store_ = c10::make_intrusive<c10d::PrefixStore>(fmt::format("gannet/{}", world.attempt),
                                                    store.get());
  } catch (const std::exception&) {
    if (options.isServer)
      throw Error(ErrorKind::kDistributed,
                  fmt::format("rank 0 cannot listen on port {}", world.port), {},
                  "choose another MASTER_PORT");
    throw Error(ErrorKind::kDistributed,
                fmt::format("rank {} finds no rank 0 at {}:{} within {:.0f} s", world.rank,
                            world.address, world.port, timeout.count()),
                {},
                is_known_host(world.address)
                    ? "check MASTER_ADDR, MASTER_PORT and that rank 0 runs"
                    : fmt::format("{} does not know the name {}; set MASTER_ADDR to an address",
                                  host_name(), world.address));
  }
  join(timeout);
}

// Where another run listens at this port, its store answers as ours would. Its ranks must notice
// nothing, so nothing but our claim is left there.
void Rendezvous::claim_place() {
  const std::string size = std::to_string(world_.size);
  const std::string known = to_text(store_->compareSet("world_size", {}, to_bytes(size)));
  if (known == size && store_->add(fmt::format("claimed/{}", world_.rank), 1) == 1) return;
  throw Error(ErrorKind::kDistributed,
              fmt::format("port {} at {} belongs to another run, {}", world_.port, world_.address,
                          known == size ? fmt::format("which has its rank {}", world_.rank)
                                        : fmt::format("of {} ranks", known)),
              {}, "choose another MASTER_PORT for all ranks of this one");
}

// Waits for a number, not for the keys of all: every rank asks several times a second, and the one
// store must answer thousands of them.
void Rendezvous::join(Seconds timeout) {
  const auto deadline = Clock::now() + timeout;
  claim_place();
  set(fmt::format("joined/{}", world_.rank), host_name());
  WaitMessages messages(world_.rank, fmt::format("the other ranks of {}", world_.size));
  std::int64_t joined = store_->add("num_joined", 1);
  for (; joined < world_.size && Clock::now() < deadline; joined = store_->add("num_joined", 0)) {
    messages.say_if_due();
    std::this_thread::sleep_for(kPoll);
  }
  if (joined >= world_.size) return;
  const std::vector<int> missing = ranks_without(*store_, world_.size, "joined/");
  const std::string why =
      fmt::format("{} of {} ranks have not come within {:.0f} s: {}", missing.size(), world_.size,
                  timeout.count(), fmt::join(missing, ", "));
  report_failure(why);
  throw Error(ErrorKind::kDistributed, why, {},
              "start all ranks with the same WORLD_SIZE, MASTER_ADDR and MASTER_PORT");
}

void Rendezvous::set(const std::string& key, const std::string& value) {
  store_->set(key, to_bytes(value));
}

void Rendezvous::wait_for(const std::string& key, const std::string& what) {
  WaitMessages messages(world_.rank, what);
  try {
    while (!store_->check({key})) {
      if (store_->check({"failure"})) throw Error(ErrorKind::kDistributed, describe_failure());
      messages.say_if_due();
      std::this_thread::sleep_for(kPoll);
    }
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    throw Error(ErrorKind::kDistributed,
                fmt::format("rank 0 has gone while rank {} waited for {}", world_.rank, what));
  }
}

void Rendezvous::report_failure(const std::string& why) noexcept {
  if (reported_.exchange(true)) return;
  try {
    const std::string report = fmt::format("rank {} on {}: {}", world_.rank, host_name(), why);
    auto done = run_apart([store = store_, key = failure_key(world_.rank), report] {
      store->set(key, to_bytes(report));
      store->add("failure", 1);
    });
    if (ready_within(done, kReportWait)) done.get();
  } catch (const std::exception&) {  // the store has gone, and with it whoever would read this
  }
}

void Rendezvous::leave() noexcept {
  try {
    auto left = run_apart([store = store_, world = world_] {
      store->set(fmt::format("left/{}", world.rank), to_bytes("left"));
      if (world.rank != 0) return;
      while (!ranks_without(*store, world.size, "left/").empty() && !store->check({"failure"}))
        std::this_thread::sleep_for(kPoll);
    });
    left.wait_for(kLeaveWait);
  } catch (const std::exception& error) {
    log_debug("rank {}: leaving: {}", world_.rank, error.what());
  }
}

std::string Rendezvous::describe_failure() noexcept {
  const std::string text = describe_within(store_, world_, reported_);
  try {
    auto told = run_apart(
        [store = store_, key = heard_key(world_.rank)] { store->set(key, to_bytes("heard")); });
    if (ready_within(told, kPoll)) told.get();
  } catch (const std::exception&) {  // the store has gone: nobody waits
  }
  return text;
}

void Rendezvous::outlive_readers() noexcept {
  if (world_.rank != 0 || !world_.hosts_store) return;
  try {
    const auto deadline = Clock::now() + kHearWait;
    const auto all_heard = [this] {
      std::vector<int> deaf = ranks_without(*store_, world_.size, "heard/");
      std::erase_if(deaf, [this](int rank) { return rank == world_.rank; });
      return deaf.empty();
    };
    while (!all_heard() && Clock::now() < deadline) std::this_thread::sleep_for(kPoll);
  } catch (const std::exception& error) {
    log_debug("rank {}: waiting for readers: {}", world_.rank, error.what());
  }
}

struct FailureWatch::Shared {
  StorePointer store;
  WorldSpec world;
  Seconds grace;
  std::function<void(const std::string&)> on_stuck;
  std::atomic<bool> stopping = false;

  /// Why the world has failed; empty when the watch ends before it does.
  std::string wait_for_failure() {
    constexpr int kPollsPerCheck = 5;
    for (int poll = 0; !stopping; ++poll) {
      std::this_thread::sleep_for(kPoll);
      if (poll % kPollsPerCheck != 0) continue;
      try {
        auto failed = run_apart([store = store] { return store->check({"failure"}); });
        if (!ready_within(failed, kStoreLimit)) return kStoreGone;
        if (failed.get()) return "another rank has failed: " + describe_within(store, world, false);
      } catch (const std::exception&) {
        return kStoreGone;
      }
    }
    return {};
  }

  void run() {
    const std::string reason = wait_for_failure();
    const auto deadline = Clock::now() + grace;
    while (!stopping && Clock::now() < deadline) std::this_thread::sleep_for(kPoll);
    if (!stopping) on_stuck(reason);
  }
};

FailureWatch::FailureWatch(const Rendezvous& rendezvous, Seconds grace,
                           std::function<void(const std::string&)> on_stuck)
    : shared_(std::make_shared<Shared>()) {
  shared_->store = rendezvous.store()->clone();  // the other connection is busy while a call waits
  shared_->world = rendezvous.world();
  shared_->grace = grace;
  shared_->on_stuck = std::move(on_stuck);
  finished_ = run_apart([shared = shared_] { shared->run(); });
}

FailureWatch::~FailureWatch() {
  shared_->stopping = true;
  finished_.wait_for(3 * kPoll);
}

}  // namespace gannet
