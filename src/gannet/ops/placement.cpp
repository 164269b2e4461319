#include "gannet/ops/placement.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/version.h>

#include <cstdlib>
#include <fstream>

#include "gannet/core/error.h"

namespace gannet {
namespace {

// Why no GPU is found. LibTorch counts none where the driver is too old for it.
std::string advice_without_gpu() {
  if (!at::globalContext().hasCUDA())
    return "use --device cpu: this LibTorch is built without CUDA (docs/gpu.md)";
  std::ifstream file("/proc/driver/nvidia/version");
  std::string driver;
  if (!std::getline(file, driver)) return "use --device cpu: no NVIDIA driver is loaded";
  return fmt::format(
      "use --device cpu: the driver is too old for this LibTorch, or CUDA_VISIBLE_DEVICES hides "
      "the GPUs ({})",
      driver);
}

// A GPU that LibTorch was not built for fails at the first kernel: here, not in the first step.
torch::Device tried(const torch::Device& gpu) {
  try {
    torch::ones({1}, torch::device(gpu)).add_(1).item<float>();
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    throw Error(ErrorKind::kUsage,
                fmt::format("{} does not compute: {}", gpu.str(), what.substr(0, what.find('\n'))),
                {{}, 0, "--device"},
                "use --device cpu, or a LibTorch that was built for this GPU and its driver");
  }
  return gpu;
}

torch::Device resolve_device(const std::string& device) {
  if (device == "cpu") return torch::kCPU;
  const auto count = static_cast<long>(torch::cuda::device_count());
  if (device.empty())
    return count > 0 ? tried(torch::Device(torch::kCUDA, 0)) : torch::Device(torch::kCPU);
  const std::string number = device.starts_with("cuda:") ? device.substr(5) : device;
  char* end = nullptr;
  const long index = std::strtol(number.c_str(), &end, 10);
  if (number.empty() || *end != '\0')
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not a device", device), {{}, 0, "--device"},
                "use cpu or one CUDA index such as 0");
  if (index < 0 || index >= count)
    throw Error(ErrorKind::kUsage,
                fmt::format("there is no CUDA device {} ({} found)", index, count),
                {{}, 0, "--device"}, count == 0 ? advice_without_gpu() : "use one of the others");
  return tried({torch::kCUDA, static_cast<c10::DeviceIndex>(index)});
}

bool cpu_has_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");  // every AMX machine has it too
#else
  return false;
#endif
}

torch::Dtype resolve_compute(const torch::Device& device, const std::string& precision) {
  if (precision == "fp32") return torch::kFloat32;
  if (precision == "bf16") return torch::kBFloat16;
  if (precision == "fp16") {
    if (device.is_cpu())
      throw Error(ErrorKind::kUsage, "fp16 is for CUDA devices", {{}, 0, "--precision"},
                  "use bf16 or fp32 on the CPU");
    return torch::kFloat16;
  }
  if (device.is_cpu()) return cpu_has_bf16() ? torch::kBFloat16 : torch::kFloat32;
  // Every CUDA generation since Volta multiplies fp16 matrices; the loss is scaled for its range.
  return torch::kFloat16;
}

}  // namespace

std::string Placement::describe() const {
  const char* name = compute == torch::kBFloat16  ? "bf16"
                     : compute == torch::kFloat16 ? "fp16"
                     : compute == torch::kFloat64 ? "fp64"
                                                  : "fp32";
  return fmt::format(
      "{} {} {}", device.str(), name,
      memory_format == torch::MemoryFormat::ChannelsLast ? "channels_last" : "contiguous");
}

Placement resolve_placement(const std::string& device, const std::string& precision,
                            const std::string& memory_format) {
  Placement placement;
  placement.device = resolve_device(device);
  placement.compute = resolve_compute(placement.device, precision);
  // fp32 means it: without this GPUs round operands of convolutions to 10 bits.
  at::globalContext().setAllowTF32CuDNN(false);
  placement.memory_format = memory_format == "contiguous" ? torch::MemoryFormat::Contiguous
                                                          : torch::MemoryFormat::ChannelsLast;
  return placement;
}

AutocastScope::AutocastScope(const Placement& placement)
    : active_(placement.autocast()), device_type_(placement.device.type()) {
  if (!active_) return;
  previous_enabled_ = at::autocast::is_autocast_enabled(device_type_);
  previous_dtype_ = at::autocast::get_autocast_dtype(device_type_);
  at::autocast::set_autocast_enabled(device_type_, true);
  at::autocast::set_autocast_dtype(device_type_, placement.compute);
}

AutocastScope::~AutocastScope() {
  if (!active_) return;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_type_, previous_enabled_);
  at::autocast::set_autocast_dtype(device_type_, previous_dtype_);
}

}  // namespace gannet
