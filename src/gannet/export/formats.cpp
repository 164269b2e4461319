#include "gannet/export/formats.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "gannet/core/error.h"
#include "gannet/export/export_model.h"

namespace gannet {

const std::vector<ExportFormat>& export_format_table() {
  static const std::vector<ExportFormat> table = {
      {"yolov5", "-yolov5.pt", ExportKind::kWeights, write_yolov5},
      {"safetensors", ".safetensors", ExportKind::kWeights, write_safetensors},
      {"torchscript", ".torchscript", ExportKind::kNetwork, write_torchscript},
      {"onnx", ".onnx", ExportKind::kNetwork, write_onnx},
  };
  return table;
}

std::vector<std::string> export_formats() {
  std::vector<std::string> names;
  for (const ExportFormat& row : export_format_table()) names.emplace_back(row.name);
  return names;
}

const ExportFormat& find_export_format(const std::string& name) {
  for (const ExportFormat& row : export_format_table()) {
    if (name == row.name) return row;
  }
  throw Error(ErrorKind::kUsage, fmt::format("'{}' is not an export format", name),
              {{}, 0, "--format"}, fmt::format("there are {}", fmt::join(export_formats(), ", ")));
}

}  // namespace gannet
