// safetensors files: tensors by name with a JSON directory, no code and no sharing.
// Format: https://huggingface.co/docs/safetensors (8 bytes of header length, JSON header of
// name -> {dtype, shape, data_offsets}, then the data; offsets count from the header's end).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gannet/core/atomic_file.h"
#include "gannet/io/tensor_data.h"

namespace gannet {

struct SafeTensors {
  /// In the order of the file's data when read; written in this order.
  std::vector<std::pair<std::string, TensorData>> tensors;
  std::map<std::string, std::string> metadata;

  /// Null where there is none.
  const TensorData* find(std::string_view name) const;
};

/// Reads a file; the tensors share its bytes, which may be unaligned. Throws Error naming the
/// file: kIo, or kCheckpoint where the header is damaged or a range leaves the file, overlaps
/// another, leaves a gap or does not fit shape and type.
SafeTensors load_safetensors(const std::filesystem::path& path);
/// The same from memory; errors name no file.
SafeTensors parse_safetensors(const StoragePtr& file);

/// Writes the file, complete or not at all. Views are written out row-major; the data begin at a
/// multiple of 8. Throws Error (kCheckpoint) for a name given twice.
void save_safetensors(const std::filesystem::path& path, const SafeTensors& content);

}  // namespace gannet
