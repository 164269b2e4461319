// Memory of tensors on the CPU that goes from one step to the next. The system clears pages that it
// gives, and takes back large blocks as soon as they are free: a tenth of a training step
// otherwise.
#pragma once

#include <cstddef>

namespace c10 {
struct Allocator;
}

namespace gannet {

/// From now on large blocks that tensors free stay with the process for the next that need them. At
/// most a quarter more is held than tensors used at once so far. For programs, as it holds for all
/// of the process.
void keep_tensor_memory();

/// While it lives, large blocks of tensors on the CPU are kept as after `keep_tensor_memory`, and
/// all that tensors take is counted. Blocks kept at its start and at its end are given back. One at
/// a time.
class TensorMemoryCount {
 public:
  TensorMemoryCount();
  ~TensorMemoryCount();
  TensorMemoryCount(const TensorMemoryCount&) = delete;
  TensorMemoryCount& operator=(const TensorMemoryCount&) = delete;
  /// Most bytes that were held at once, beyond what tensors of before had.
  std::size_t most_held() const;

 private:
  c10::Allocator* previous_;
  std::size_t used_before_;
};

}  // namespace gannet
