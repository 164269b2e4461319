// Memory of tensors on the CPU that goes from one step to the next. The system clears pages that it
// gives, and takes back large blocks as soon as they are free: a tenth of a training step
// otherwise.
#pragma once

namespace gannet {

/// From now on large blocks that tensors free stay with the process for the next that need them. At
/// most a quarter more is held than tensors used at once so far. For programs, as it holds for all
/// of the process.
void keep_tensor_memory();

}  // namespace gannet
