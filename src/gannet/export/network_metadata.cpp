// What exported networks say about themselves. Keys that other tools read have their form (release
// 7.0 and what followed it).
#include <fmt/format.h>

#include "gannet/export/formats.h"

namespace gannet {

std::map<std::string, std::string> network_metadata(const LoadedModel& loaded,
                                                    const ExportOptions& options) {
  const auto ours = model_metadata(*loaded.model, loaded.names);
  const bool release7 = loaded.model->plan().generation == Generation::kRelease7;
  return {{"producer", fmt::format("gannet {}", GANNET_VERSION)},
          {"task", "detect"},
          {"imgsz", fmt::format("[{}, {}]", options.height, options.width)},
          {"batch", std::to_string(options.batch_size)},
          {"head", options.head},
          {"generation", release7 ? "release7" : "july2020"},
          {"confidence", fmt::format("{}", loaded.confidence)},
          {"anchors", ours.at("anchors")},
          {"strides", ours.at("stride")},
          {"model_yaml", ours.at("model_yaml")}};
}

}  // namespace gannet
