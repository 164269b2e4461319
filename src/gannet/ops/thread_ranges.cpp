// Compiled with OpenMP, without which LibTorch's own loops (at::parallel_for) run on one thread.
#include "gannet/ops/thread_ranges.h"

#include <ATen/Parallel.h>
#include <omp.h>

#ifndef _OPENMP
#error "needs OpenMP"
#endif

namespace gannet {

int num_thread_ranges() { return omp_in_parallel() != 0 ? 1 : at::get_num_threads(); }

void for_each_part(int count, const std::function<void(int)>& work) {
  if (count == 1) return work(0);
#pragma omp parallel for schedule(static, 1) num_threads(count)
  for (int part = 0; part < count; ++part) work(part);
}

}  // namespace gannet
