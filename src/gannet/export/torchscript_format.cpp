// TorchScript: the recorded graph with its weights, in torch's own file, which LibTorch runs
// without our code.
#include <torch/csrc/jit/api/module.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "gannet/core/error.h"
#include "gannet/export/formats.h"
#include "gannet/export/traced_model.h"

namespace gannet {

void write_torchscript(const LoadedModel& loaded, const std::string& path,
                       const ExportOptions& options) {
  const auto images = torch::zeros({options.batch_size, 3, options.height, options.width});
  const auto output = options.head == "raw" ? TracedOutput::kRaw : TracedOutput::kDecoded;
  const auto module = trace_model(*loaded.model, images, output, options.half);

  nlohmann::json config = network_metadata(loaded, options);
  config["shape"] = images.sizes().vec();
  config["dynamic"] = options.dynamic;
  config["stride"] = loaded.model->max_stride();
  for (std::size_t id = 0; id < loaded.names.size(); ++id)
    config["names"][std::to_string(id)] = loaded.names[id];
  try {
    module.save(path, {{"config.txt",
                        config.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)}});
  } catch (const c10::Error& error) {
    throw Error(ErrorKind::kIo, "cannot write: " + std::string(error.what_without_backtrace()),
                {path, 0, {}});
  }
}

}  // namespace gannet
