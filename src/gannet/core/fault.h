// Faults on demand, so that tests can see what happens when a process dies, stalls or fails at a
// given place. Without the environment variable GANNET_FAULT nothing here does anything.
#pragma once

#include <string_view>

namespace gannet {

/// GANNET_FAULT is "place:rank:kind", "place:rank:kind:n" (at the n-th time, counted from 1) or
/// "place:rank:kind:n-m" (from the n-th to the m-th time).
/// Kinds: `kill` and `stop` signal this process, `throw` throws an Error, `oom` std::bad_alloc,
/// `nan` is left to the caller.
/// @return whether the caller should make its numbers NaN
bool fault_point(std::string_view place, int rank);

}  // namespace gannet
