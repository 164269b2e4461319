#include "gannet/ops/version.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <vector>

#include "gannet/ops/placement.h"

namespace gannet {

bool gpus_available() { return torch::cuda::is_available(); }

std::string build_description() {
  std::vector<std::string> parts{GANNET_VERSION, fmt::format("LibTorch {}", TORCH_VERSION), "gloo"};
#ifdef GANNET_WITH_NCCL
  parts.emplace_back("nccl");
#endif
  if (torch::cuda::is_available())
    parts.emplace_back(fmt::format("cuda ({} devices)", torch::cuda::device_count()));
  if (resolve_placement("cpu", "auto").compute == torch::kBFloat16) parts.emplace_back("bf16");
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace gannet
