#include "gannet/ops/accelerator.h"

#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <torch/cuda.h>

namespace gannet {

void finish_queued_work(const torch::Device& device) {
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

double peak_device_memory_gib(const torch::Device& device) {
  if (device.is_cpu()) return 0;
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return static_cast<double>(stats.allocated_bytes[kAll].peak) / (1 << 30);
}

void reset_peak_device_memory(const torch::Device& device) {
  if (!device.is_cpu()) c10::getDeviceAllocator(device.type())->resetPeakStats(device.index());
}

std::uint64_t free_device_memory_bytes(const torch::Device& device) {
  if (device.is_cpu()) return 0;
  return c10::getDeviceAllocator(device.type())->getMemoryInfo(device.index()).first;
}

void release_cached_memory(const torch::Device& device) {
  if (!device.is_cpu()) c10::getDeviceAllocator(device.type())->emptyCache();
}

KernelSearchScope::KernelSearchScope(bool wanted)
    : previous_(at::globalContext().benchmarkCuDNN()) {
  if (wanted) at::globalContext().setBenchmarkCuDNN(true);
}

KernelSearchScope::~KernelSearchScope() { at::globalContext().setBenchmarkCuDNN(previous_); }

}  // namespace gannet
