// What only devices with a queue and memory of their own need: waiting, memory, choice of kernels.
// For the CPU all of it does nothing.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace gannet {

/// Waits until the device has done all that was queued.
void finish_queued_work(const torch::Device& device);

/// Most memory that tensors on the device took at once so far, GiB; 0 for the CPU.
double peak_device_memory_gib(const torch::Device& device);
/// That most is from now on counted anew.
void reset_peak_device_memory(const torch::Device& device);
/// What the device has free; 0 for the CPU.
std::uint64_t free_device_memory_bytes(const torch::Device& device);
/// Gives memory back that the allocator keeps for later.
void release_cached_memory(const torch::Device& device);

/// While it lives, convolutions of a shape seen for the first time try all kernels and keep the
/// fastest: right where shapes repeat, a waste where each batch has its own.
class KernelSearchScope {
 public:
  explicit KernelSearchScope(bool wanted);
  ~KernelSearchScope();
  KernelSearchScope(const KernelSearchScope&) = delete;
  KernelSearchScope& operator=(const KernelSearchScope&) = delete;

 private:
  bool previous_;
};

}  // namespace gannet
