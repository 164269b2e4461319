#include "gannet/nn/fingerprint.h"

#include <torch/types.h>

#include "gannet/core/hash.h"

namespace gannet {

std::string fingerprint(const DetectionModel& model, bool statistics) {
  Fingerprint hash;
  for (const auto& [name, tensor] : state_dict(model)) {
    if (!statistics && name.find(".running_") != std::string::npos) continue;
    const auto values = tensor.detach().to(torch::kCPU).contiguous();
    hash.add(name.data(), name.size());
    hash.add(values.const_data_ptr(), static_cast<std::size_t>(values.nbytes()));
  }
  return hash.text();
}

}  // namespace gannet
