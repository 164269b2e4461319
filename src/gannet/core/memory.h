// How much memory this process has used at most: what the console shows for runs on the CPU.
#pragma once

namespace gannet {

/// Largest resident size of this process so far, in GiB; 0 if the system does not tell.
double peak_memory_gib();

}  // namespace gannet
