// The table of export formats. A new format is a new source and a row in formats.cpp.
#pragma once

#include <string>
#include <vector>

#include "gannet/nn/checkpoint.h"

namespace gannet {

struct ExportFormat {
  const char* name;
  const char* suffix;  // takes the place of the checkpoint's extension
  /// @param half stores floating tensors as float16; they lose nothing by it
  void (*write)(const LoadedModel& loaded, const std::string& path, bool half);
};

const std::vector<ExportFormat>& export_format_table();

/// Throws Error (kUsage) that lists the formats there are.
const ExportFormat& find_export_format(const std::string& name);

void write_yolov5(const LoadedModel& loaded, const std::string& path, bool half);
void write_safetensors(const LoadedModel& loaded, const std::string& path, bool half);

}  // namespace gannet
