// The table of export formats. A new format is a new source and a row in formats.cpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gannet/export/export_model.h"
#include "gannet/nn/checkpoint.h"

namespace gannet {

/// What a file holds: weights, which load_model reads as the same model again, or a network, which
/// gets a fused model and runs by itself.
enum class ExportKind { kWeights, kNetwork };

struct ExportFormat {
  const char* name;
  const char* suffix;  // takes the place of the checkpoint's extension
  ExportKind kind;
  /// @param options half: floating tensors are stored as float16, and lose nothing by it
  void (*write)(const LoadedModel& loaded, const std::string& path, const ExportOptions& options);
};

const std::vector<ExportFormat>& export_format_table();

/// Throws Error (kUsage) that lists the formats there are.
const ExportFormat& find_export_format(const std::string& name);

void write_yolov5(const LoadedModel& loaded, const std::string& path, const ExportOptions& options);
void write_safetensors(const LoadedModel& loaded, const std::string& path,
                       const ExportOptions& options);
void write_torchscript(const LoadedModel& loaded, const std::string& path,
                       const ExportOptions& options);
void write_onnx(const LoadedModel& loaded, const std::string& path, const ExportOptions& options);

/// What a network's file says about itself beside stride, names and shape, all texts.
std::map<std::string, std::string> network_metadata(const LoadedModel& loaded,
                                                    const ExportOptions& options);

}  // namespace gannet
