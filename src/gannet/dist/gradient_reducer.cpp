#include "gannet/dist/gradient_reducer.h"

#include <algorithm>
#include <chrono>
#include <torch/csrc/distributed/c10d/comm.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <type_traits>

namespace gannet {
namespace {

using Clock = std::chrono::steady_clock;
using Parameters = std::vector<torch::Tensor>;
using Buckets = std::vector<std::vector<std::size_t>>;
using Group = c10::intrusive_ptr<c10d::ProcessGroup>;

constexpr std::int64_t kFirstBucketBytes = 1 << 20, kBucketBytes = 25 << 20;

/// Sums a bucket over the ranks; c10d's own hooks would divide by their number.
class SumHook : public c10d::CppCommHookInterface<Group> {
 public:
  SumHook(const Group& group, GradientCompression compression, Clock::time_point& last_bucket)
      : CppCommHookInterface(group), compression_(compression), last_bucket_(last_bucket) {}

  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override {
    last_bucket_ = Clock::now();
    const torch::Tensor gradients = bucket.getBufferRef();
    if (compression_ == GradientCompression::kNone) {
      Parameters sums{gradients};
      return state_->allreduce(sums)->getFuture();
    }
    Parameters sums{gradients.to(compression_ == GradientCompression::kBf16 ? torch::kBFloat16
                                                                            : torch::kFloat16)};
    const auto work = state_->allreduce(sums)->getFuture();
    const auto expand = [gradients, sums](c10::ivalue::Future&) -> c10::IValue {
      torch::Tensor(gradients).copy_(sums.front());
      return c10::IValue(Parameters{gradients});
    };
    return work->then(expand, work->elementType());
  }

 private:
  GradientCompression compression_;
  Clock::time_point& last_bucket_;
};

// LibTorch 2.12 added a list of bucket sizes to the constructor.
template <class Reducer>
std::unique_ptr<Reducer> make_reducer(const Parameters& parameters, const Buckets& buckets,
                                      const Group& group) {
  const std::vector<bool> dense(parameters.size(), false);
  const std::unordered_map<std::size_t, std::string> no_names;
  constexpr bool kFindUnused = false, kGradientsAreViews = true, kSkipUnused = false,
                 kPython = false;
  using Sizes = std::vector<std::int64_t>;
  if constexpr (std::is_constructible_v<Reducer, Parameters, Buckets, Group, std::vector<bool>,
                                        std::int64_t, bool, bool,
                                        std::unordered_map<std::size_t, std::string>, std::int64_t,
                                        bool, bool, Sizes>) {
    return std::make_unique<Reducer>(parameters, buckets, group, dense, kBucketBytes, kFindUnused,
                                     kGradientsAreViews, no_names, kFirstBucketBytes, kSkipUnused,
                                     kPython, Sizes{});
  } else {
    return std::make_unique<Reducer>(parameters, buckets, group, dense, kBucketBytes, kFindUnused,
                                     kGradientsAreViews, no_names, kFirstBucketBytes, kSkipUnused,
                                     kPython);
  }
}

/// Buckets in the order in which the backward pass reaches their parameters.
Buckets bucket_order(const Parameters& parameters) {
  auto buckets = std::get<0>(
      c10d::compute_bucket_assignment_by_size(parameters, {kFirstBucketBytes, kBucketBytes}));
  std::reverse(buckets.begin(), buckets.end());
  return buckets;
}

class C10dReducer final : public GradientReducer {
 public:
  C10dReducer(Parameters parameters, const Group& group, GradientCompression compression)
      : reducer_(make_reducer<c10d::Reducer>(parameters, bucket_order(parameters), group)) {
    reducer_->register_comm_hook(std::make_unique<SumHook>(group, compression, last_bucket_));
  }

  void backward(const torch::Tensor& loss) override {
    reducer_->prepare_for_backward({loss});
    loss.backward();
    exposed_ += std::chrono::duration<double>(Clock::now() - last_bucket_).count();
  }
  double exposed_seconds() const override { return exposed_; }

 private:
  Clock::time_point last_bucket_;
  std::unique_ptr<c10d::Reducer> reducer_;
  double exposed_ = 0;
};

}  // namespace

std::unique_ptr<GradientReducer> make_c10d_reducer(std::vector<torch::Tensor> parameters,
                                                   c10::intrusive_ptr<c10d::ProcessGroup> group,
                                                   GradientCompression compression) {
  return std::make_unique<C10dReducer>(std::move(parameters), group, compression);
}

}  // namespace gannet
