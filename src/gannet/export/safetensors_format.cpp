// safetensors: tensors under their names of the state dict, and metadata that make it a model
// again.
#include <torch/types.h>

#include "gannet/export/formats.h"
#include "gannet/io/safetensors.h"
#include "gannet/ops/stored_tensor.h"

namespace gannet {

void write_safetensors(const LoadedModel& loaded, const std::string& path,
                       const ExportOptions& options) {
  SafeTensors content;
  content.metadata = model_metadata(*loaded.model, loaded.names);
  for (const auto& [name, tensor] : state_dict(*loaded.model)) {
    const bool rounded = options.half && tensor.is_floating_point();
    content.tensors.emplace_back(name,
                                 to_tensor_data(rounded ? tensor.to(torch::kFloat16) : tensor));
  }
  save_safetensors(path, content);
}

}  // namespace gannet
