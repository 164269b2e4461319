#include "gannet/ops/side_by_side.h"

#include <ATen/Parallel.h>

#include "gannet/core/parallel.h"

namespace gannet {
namespace {

class OperatorThreadsScope {
 public:
  OperatorThreadsScope() : before_(at::get_num_threads()) {}
  ~OperatorThreadsScope() { at::set_num_threads(before_); }
  OperatorThreadsScope(const OperatorThreadsScope&) = delete;
  OperatorThreadsScope& operator=(const OperatorThreadsScope&) = delete;

 private:
  int before_;
};

}  // namespace

void for_each_side_by_side(int count, int num_threads, const std::function<void(int)>& work) {
  const OperatorThreadsScope restored;
  parallel_for(static_cast<std::size_t>(count), num_threads, [&](std::size_t i) {
    at::set_num_threads(1);  // of this thread
    work(static_cast<int>(i));
  });
}

}  // namespace gannet
