// ONNX: the recorded graph in the operators that all runtimes know.
#include <fmt/format.h>
#include <torch/types.h>

#include "gannet/config/class_names.h"
#include "gannet/export/formats.h"
#include "gannet/export/onnx_graph.h"
#include "gannet/export/onnx_suppression.h"
#include "gannet/export/traced_model.h"

namespace gannet {
namespace {

constexpr const char* kInput = "images";  // names as release 7.0 gives them
constexpr const char* kOutput = "output0";

std::vector<OnnxSide> sides(const std::vector<std::int64_t>& sizes) {
  return {sizes.begin(), sizes.end()};
}

std::vector<OnnxSide> input_sides(const ExportOptions& options) {
  if (options.dynamic) return {"batch", std::int64_t{3}, "height", "width"};
  return sides({options.batch_size, 3, options.height, options.width});
}

/// Free sides of an output: the batch; of decoded boxes their number, of logits rows and columns.
std::vector<OnnxSide> output_sides(const std::vector<std::int64_t>& sizes, std::size_t level,
                                   const ExportOptions& options) {
  std::vector<OnnxSide> result = sides(sizes);
  if (!options.dynamic) return result;
  result[0] = "batch";
  if (options.head == "raw") {
    result[2] = fmt::format("rows{}", level);
    result[3] = fmt::format("columns{}", level);
  } else {
    result[1] = "boxes";
  }
  return result;
}

}  // namespace

void write_onnx(const LoadedModel& loaded, const std::string& path, const ExportOptions& options) {
  const auto images = torch::zeros({options.batch_size, 3, options.height, options.width});
  const bool raw = options.head == "raw", nms = options.head == "nms";
  const auto module = trace_model(*loaded.model, images,
                                  raw ? TracedOutput::kRaw : TracedOutput::kDecoded, options.half);
  OnnxBuilder builder;
  std::vector<std::string> names;
  for (int level = 0; level < (raw ? loaded.model->head().num_levels() : 1); ++level)
    names.push_back(nms ? "decoded" : fmt::format("output{}", level));
  const auto sizes = append_graph(module, options.dynamic, kInput, names, builder);

  OnnxOutline& outline = builder.model().outline;
  outline.opset = options.opset;
  outline.inputs = {{kInput, DType::kF32, input_sides(options)}};
  for (std::size_t i = 0; i < names.size(); ++i)
    outline.outputs.push_back({names[i], DType::kF32, output_sides(sizes[i], i, options)});
  if (nms) {
    append_suppression(names[0], loaded.model->head().num_classes, options, kOutput, builder);
    outline.outputs = {{kOutput, DType::kF32, {"detections", std::int64_t{7}}}};
  }
  outline.metadata = network_metadata(loaded, options);
  outline.metadata["stride"] = std::to_string(loaded.model->max_stride());
  outline.metadata["names"] = class_names_text(loaded.names);
  save_onnx(path, builder.model());
}

}  // namespace gannet
