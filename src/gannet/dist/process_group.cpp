#include "gannet/dist/process_group.h"

#include <c10/util/Exception.h>
#include <c10/util/Logging.h>
#include <fmt/format.h>
#include <torch/types.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#ifdef GANNET_WITH_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/dist/communicator.h"
#include "gannet/dist/gradient_reducer.h"
#include "gannet/dist/rendezvous.h"

namespace gannet {
namespace {

constexpr Seconds kGrace{5};
/// From so many ranks on sums of so few bytes go over a tree.
constexpr int kManyRanks = 8;
constexpr std::int64_t kSmallSumBytes = 4096;

// The address of this machine on the way to rank 0: what Gloo must bind to, whatever the host's
// name resolves to.
std::string own_address(const WorldSpec& world) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(world.address.c_str(), std::to_string(world.port).c_str(), &hints, &found) != 0)
    return world.address;
  std::string address = world.address;
  const int probe = ::socket(found->ai_family, SOCK_DGRAM, 0);
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  char text[NI_MAXHOST];
  if (probe >= 0 && ::connect(probe, found->ai_addr, found->ai_addrlen) == 0 &&
      ::getsockname(probe, reinterpret_cast<sockaddr*>(&own), &length) == 0 &&
      ::getnameinfo(reinterpret_cast<sockaddr*>(&own), length, text, sizeof text, nullptr, 0,
                    NI_NUMERICHOST) == 0) {
    address = text;
  }
  if (probe >= 0) ::close(probe);
  ::freeaddrinfo(found);
  return address;
}

c10::intrusive_ptr<c10d::ProcessGroup> connect(Rendezvous& rendezvous,
                                               const ProcessGroupOptions& options) {
  const WorldSpec& world = rendezvous.world();
  const auto timeout =
      std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout_seconds * 1000));
  auto group = c10::make_intrusive<c10d::ProcessGroup>(rendezvous.store(), world.rank, world.size);
  auto gloo_options = c10d::ProcessGroupGloo::Options::create(timeout);
  gloo_options->devices.push_back(
      c10d::ProcessGroupGloo::createDeviceForHostname(own_address(world)));
  const auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(rendezvous.store(), world.rank,
                                                                world.size, gloo_options);
  group->setBackend(c10::kCPU, c10d::ProcessGroup::BackendType::GLOO,
                    std::optional<c10::intrusive_ptr<c10d::Backend>>(gloo));
  group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
  if (options.gpus == GpuLinks::kGloo)
    group->setBackend(c10::kCUDA, c10d::ProcessGroup::BackendType::GLOO,
                      std::optional<c10::intrusive_ptr<c10d::Backend>>(gloo));
  if (options.gpus == GpuLinks::kNccl) {
#ifdef GANNET_WITH_NCCL
    auto nccl_options = c10d::ProcessGroupNCCL::Options::create();
    nccl_options->timeout = timeout;
    const auto nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(
        c10::make_intrusive<c10d::PrefixStore>("nccl", rendezvous.store()), world.rank, world.size,
        nccl_options);
    group->setBackend(c10::kCUDA, c10d::ProcessGroup::BackendType::NCCL,
                      std::optional<c10::intrusive_ptr<c10d::Backend>>(nccl));
#else
    throw Error(ErrorKind::kUsage, "this build has no NCCL: several processes run on CPUs only",
                {{}, 0, "--device"}, "use --device cpu, or build where NCCL's header is");
#endif
  }
  return group;
}

class ProcessGroupCommunicator final : public Communicator {
  /// Explains a failure during the backward pass like that of any collective.
  class GuardedReducer final : public GradientReducer {
   public:
    GuardedReducer(ProcessGroupCommunicator& comm, std::unique_ptr<GradientReducer> inner)
        : comm_(comm), inner_(std::move(inner)) {}
    void backward(const torch::Tensor& loss) override {
      begun_ = true;
      comm_.guarded("gradients", [&] { inner_->backward(loss); });
      begun_ = false;
    }
    bool give_up() override {
      if (std::exchange(begun_, false)) --comm_.num_calls_;  // it is one call with the broken pass
      return comm_.guarded("gradients", [&] { return inner_->give_up(); });
    }
    double exposed_seconds() const override { return inner_->exposed_seconds(); }

   private:
    ProcessGroupCommunicator& comm_;
    std::unique_ptr<GradientReducer> inner_;
    bool begun_ = false;
  };

 public:
  ProcessGroupCommunicator(const WorldSpec& world, const ProcessGroupOptions& options)
      : options_(options), rendezvous_(world, Seconds(options.timeout_seconds)) {
    guarded("connect", [&] { group_ = connect(rendezvous_, options_); });
    watch_ = std::make_unique<FailureWatch>(rendezvous_, kGrace,
                                            [on_stuck = options_.on_stuck](const std::string& why) {
                                              if (on_stuck) on_stuck(why);
                                            });
  }

  ~ProcessGroupCommunicator() override {
    watch_.reset();
    if (!failed_) rendezvous_.leave();
    try {
      // Connections of a world that has failed must not be waited for.
      if (failed_) group_->abort();
      group_->shutdown();
    } catch (const std::exception& error) {
      log_debug("rank {}: leaving the process group: {}", rank(), error.what());
    }
    group_.reset();  // closes the connections, which the others notice at once
    if (failed_) rendezvous_.outlive_readers();
  }

  int rank() const override { return rendezvous_.world().rank; }
  int world_size() const override { return rendezvous_.world().size; }
  int local_rank() const override { return rendezvous_.world().local_rank; }

  torch::Tensor sum(const std::string& name, const torch::Tensor& local) override {
    return guarded(name, [&] {
      const bool small =
          local.is_cpu() && static_cast<std::int64_t>(local.nbytes()) <= kSmallSumBytes;
      if (small && world_size() >= kManyRanks)
        return tree_sum(local.detach().clone(torch::MemoryFormat::Contiguous));
      std::vector<torch::Tensor> sums{local.detach().clone()};
      group_->allreduce(sums)->wait();
      return sums.front();
    });
  }

  std::vector<std::string> gather(const std::string& name, const std::string& local) override {
    return guarded(name, [&] {
      std::vector<torch::Tensor> sizes =
          all_gather(torch::tensor({static_cast<std::int64_t>(local.size())}));
      std::int64_t longest = 1;
      for (const auto& size : sizes) longest = std::max(longest, size.item<std::int64_t>());
      auto padded = torch::zeros({longest}, torch::kUInt8);
      std::copy(local.begin(), local.end(), padded.mutable_data_ptr<std::uint8_t>());
      const std::vector<torch::Tensor> all = all_gather(padded);
      std::vector<std::string> texts;
      for (std::size_t i = 0; i < all.size(); ++i) {
        const auto* bytes = reinterpret_cast<const char*>(all[i].const_data_ptr<std::uint8_t>());
        texts.emplace_back(bytes, static_cast<std::size_t>(sizes[i].item<std::int64_t>()));
      }
      return texts;
    });
  }

  std::string broadcast(const std::string& name, const std::string& local) override {
    return guarded(name, [&] {
      auto size = torch::tensor({static_cast<std::int64_t>(local.size())});
      broadcast_tensor(size);
      auto bytes =
          torch::empty({std::max<std::int64_t>(size.item<std::int64_t>(), 1)}, torch::kUInt8);
      auto* data = reinterpret_cast<char*>(bytes.mutable_data_ptr<std::uint8_t>());
      if (rank() == 0) std::copy(local.begin(), local.end(), data);
      broadcast_tensor(bytes);
      return std::string(data, static_cast<std::size_t>(size.item<std::int64_t>()));
    });
  }

  std::unique_ptr<GradientReducer> reduce_gradients(std::vector<torch::Tensor> parameters,
                                                    GradientCompression compression) override {
    auto inner = guarded(
        "gradients", [&] { return make_c10d_reducer(std::move(parameters), group_, compression); });
    return std::make_unique<GuardedReducer>(*this, std::move(inner));
  }

  void one_first(const std::string& name, const std::function<void()>& work) override {
    const std::string key = fmt::format("first/{}/{}", name, num_firsts_++);
    if (local_rank() == 0) {
      work();
      rendezvous_.set(key, "done");
    } else {
      rendezvous_.wait_for(key, name);
      work();
    }
  }

  void abandon(const std::string& why) noexcept override {
    failed_ = true;
    rendezvous_.report_failure(why);
  }

 private:
  // Over a binomial tree to rank 0 and back: 2 log2 N hops, where Gloo's ring takes 2 (N - 1) for a
  // few bytes as for many.
  torch::Tensor tree_sum(torch::Tensor sum) {
    constexpr int kTag = 0;
    std::vector<torch::Tensor> own{sum}, other{torch::empty_like(sum)};
    for (int step = 1; step < world_size(); step *= 2) {
      if (rank() % (2 * step) != 0) {
        group_->send(own, rank() - step, kTag)->wait();
        break;
      }
      if (rank() + step >= world_size()) continue;
      group_->recv(other, rank() + step, kTag)->wait();
      sum.add_(other.front());
    }
    broadcast_tensor(sum);
    return sum;
  }

  std::vector<torch::Tensor> all_gather(const torch::Tensor& local) {
    std::vector<std::vector<torch::Tensor>> outputs(1);
    for (int i = 0; i < world_size(); ++i) outputs[0].push_back(torch::empty_like(local));
    std::vector<torch::Tensor> inputs{local};
    group_->allgather(outputs, inputs)->wait();
    return outputs[0];
  }

  void broadcast_tensor(torch::Tensor& tensor) {
    std::vector<torch::Tensor> tensors{tensor};
    group_->broadcast(tensors)->wait();
  }

  // Every collective goes through here: counted, compared with rank 0's when asked, its failure
  // told to the others and explained.
  template <class Call>
  std::invoke_result_t<Call> guarded(const std::string& name, Call&& call) {
    const std::int64_t number = num_calls_++;
    try {
      if (options_.check_order) check_order(name, number);
      return call();
    } catch (const Error&) {
      throw;
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      log_debug("rank {}: collective {} '{}': {}", rank(), number, name, error.what());
      failed_ = true;
      rendezvous_.report_failure(fmt::format("lost contact in '{}'", name));
      throw Error(ErrorKind::kDistributed,
                  fmt::format("rank {} in '{}': {}", rank(), name, rendezvous_.describe_failure()),
                  {}, "this rank's last checkpoint is safe");
    }
  }

  void check_order(const std::string& name, std::int64_t number) {
    const std::string key = fmt::format("call/{}", number);
    if (rank() == 0) {
      rendezvous_.set(key, name);
      return;
    }
    const auto store = rendezvous_.store();
    while (!store->check({key})) {  // rank 0 may have failed on its way here
      if (store->check({"failure"})) throw std::runtime_error("another rank has failed");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const auto bytes = store->get(key);
    const std::string expected(bytes.begin(), bytes.end());
    if (expected == name) return;
    const std::string why = fmt::format("collective {} is '{}' on rank {} but '{}' on rank 0",
                                        number, name, rank(), expected);
    abandon(why);
    throw Error(ErrorKind::kInternal, why);
  }

  ProcessGroupOptions options_;
  Rendezvous rendezvous_;
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  std::unique_ptr<FailureWatch> watch_;
  std::int64_t num_calls_ = 0, num_firsts_ = 0;
  std::atomic<bool> failed_ = false;
};

}  // namespace

std::shared_ptr<Communicator> join_process_group(const WorldSpec& world,
                                                 const ProcessGroupOptions& options) {
  // c10d warns of every broken connection with a stack trace; what matters is in our errors.
  if (log_level() != LogLevel::kDebug) FLAGS_caffe2_log_level = c10::GLOG_FATAL;
  return std::make_shared<ProcessGroupCommunicator>(world, options);
}

}  // namespace gannet
