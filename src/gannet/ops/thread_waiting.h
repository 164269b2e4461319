// The threads that operators compute on: how many there are, and how they wait for each other.
#pragma once

namespace gannet {

/// Sets LibTorch's number of threads to what `available_cpus` says, unless the user has
/// (OMP_NUM_THREADS), and makes threads that wait for the others of an operator sleep after some
/// 50 us instead of 20 ms. Else each of them wastes its time on a processor while the thread that
/// it waits for is kept from one by another program. For programs, as it holds for all of the
/// process.
void prepare_operator_threads();

}  // namespace gannet
