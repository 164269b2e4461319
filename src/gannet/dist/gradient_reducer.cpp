#include "gannet/dist/gradient_reducer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <torch/csrc/distributed/c10d/comm.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <type_traits>
#include <utility>

#include "gannet/core/fault.h"

namespace gannet {
namespace {

using Clock = std::chrono::steady_clock;
using Parameters = std::vector<torch::Tensor>;
using Buckets = std::vector<std::vector<std::size_t>>;
using Group = c10::intrusive_ptr<c10d::ProcessGroup>;
using Works = std::vector<c10::intrusive_ptr<c10d::Work>>;

constexpr std::int64_t kFirstBucketBytes = 1 << 20, kBucketBytes = 25 << 20;

/// What values of a gradient travel as.
torch::Dtype dtype_of(const torch::Tensor& gradient, GradientCompression compression) {
  if (compression == GradientCompression::kBf16) return torch::kBFloat16;
  return compression == GradientCompression::kFp16 ? torch::kFloat16 : gradient.scalar_type();
}

/// Sums a bucket over the ranks; c10d's own hooks would divide by their number.
class SumHook : public c10d::CppCommHookInterface<Group> {
 public:
  /// @param launched gets the sums that are under way
  SumHook(const Group& group, GradientCompression compression, Clock::time_point& last_bucket,
          Works& launched)
      : CppCommHookInterface(group),
        compression_(compression),
        last_bucket_(last_bucket),
        launched_(launched) {}

  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override {
    fault_point("bucket", state_->getRank());
    last_bucket_ = Clock::now();
    const torch::Tensor gradients = bucket.getBufferRef();
    Parameters sums{gradients.to(dtype_of(gradients, compression_))};
    launched_.push_back(state_->allreduce(sums));
    const auto work = launched_.back()->getFuture();
    if (compression_ == GradientCompression::kNone) return work;
    const auto expand = [gradients, sums](c10::ivalue::Future&) -> c10::IValue {
      torch::Tensor(gradients).copy_(sums.front());
      return c10::IValue(Parameters{gradients});
    };
    return work->then(expand, work->elementType());
  }

 private:
  GradientCompression compression_;
  Clock::time_point& last_bucket_;
  Works& launched_;
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
  C10dReducer(Parameters parameters, Group group, GradientCompression compression)
      : parameters_(std::move(parameters)),
        buckets_(bucket_order(parameters_)),
        group_(std::move(group)),
        compression_(compression) {
    start();
  }

  void backward(const torch::Tensor& loss) override {
    reducer_->prepare_for_backward({loss});
    loss.backward();
    launched_.clear();
    exposed_ += std::chrono::duration<double>(Clock::now() - last_bucket_).count();
  }

  bool give_up() override {
    const bool all_went = launched_.size() == buckets_.size();
    for (std::size_t i = launched_.size(); i < buckets_.size(); ++i) {
      std::int64_t size = 0;
      for (const std::size_t parameter : buckets_[i]) size += parameters_[parameter].numel();
      Parameters sums{torch::full({size}, std::nan(""),
                                  parameters_.front()
                                      .options()
                                      .dtype(dtype_of(parameters_.front(), compression_))
                                      .requires_grad(false))};
      launched_.push_back(group_->allreduce(sums));
    }
    for (const auto& work : launched_) work->wait();
    launched_.clear();
    start();
    return !all_went;
  }

  double exposed_seconds() const override { return exposed_; }

 private:
  // Afresh also after a pass that was broken off, which c10d's reducer does not get over.
  void start() {
    reducer_.reset();  // takes its hooks away before others come
    reducer_ = make_reducer<c10d::Reducer>(parameters_, buckets_, group_);
    reducer_->register_comm_hook(
        std::make_unique<SumHook>(group_, compression_, last_bucket_, launched_));
  }

  Parameters parameters_;
  Buckets buckets_;
  Group group_;
  GradientCompression compression_;
  Clock::time_point last_bucket_;
  Works launched_;  // of the pass under way
  std::unique_ptr<c10d::Reducer> reducer_;
  double exposed_ = 0;
};

}  // namespace

std::unique_ptr<GradientReducer> make_c10d_reducer(std::vector<torch::Tensor> parameters,
                                                   c10::intrusive_ptr<c10d::ProcessGroup> group,
                                                   GradientCompression compression) {
  return std::make_unique<C10dReducer>(std::move(parameters), std::move(group), compression);
}

}  // namespace gannet
