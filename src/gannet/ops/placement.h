// Where and how a network computes: resolved once from the settings and passed down (design rule
// e).
#pragma once

#include <torch/types.h>

#include <string>

namespace gannet {

/// Device, dtype of parameters, dtype of matrix work (autocast when it differs), memory format.
struct Placement {
  torch::Device device{torch::kCPU};
  torch::Dtype parameters = torch::kFloat32;
  torch::Dtype compute = torch::kFloat32;
  torch::MemoryFormat memory_format = torch::MemoryFormat::ChannelsLast;

  bool autocast() const { return compute != parameters; }
  /// Whether operators run on the threads of the caller's process and are done when they return;
  /// else they queue up, and reading a value waits.
  bool uses_host_threads() const { return device.is_cpu(); }
  /// Whether the device reads page-locked memory by itself.
  bool wants_page_locked() const { return device.is_cuda(); }
  /// "cpu bf16 channels_last"
  std::string describe() const;
};

/// @param device "" (CUDA if there is one, else CPU), "cpu", "0", "cuda:1"
/// @param precision "auto", "fp32", "bf16", "fp16"; auto takes bf16 or fp16 where the device is
/// built for it
/// @param memory_format "channels_last" or "contiguous"
/// Throws Error (kUsage) for a device that is not there or a precision that it cannot do.
Placement resolve_placement(const std::string& device, const std::string& precision,
                            const std::string& memory_format = "channels_last");

/// Turns autocast on for its scope where the placement wants it; clears the cast cache at the end.
class AutocastScope {
 public:
  explicit AutocastScope(const Placement& placement);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  bool active_;
  bool previous_enabled_ = false;
  torch::DeviceType device_type_;
  torch::Dtype previous_dtype_ = torch::kFloat32;
};

}  // namespace gannet
