// Files of torch.save: the zip form (torch 1.6 and later) and the stream form before it, as data.
// Source of the formats: torch/serialization.py (_save, _load, _legacy_load).
#pragma once

#include <filesystem>

#include "gannet/core/atomic_file.h"
#include "gannet/io/pickle/pickle.h"
#include "gannet/io/tensor_data.h"
#include "gannet/io/value.h"

namespace gannet {

/// Reads a file of torch.save. Tensors share the file's bytes, which stay in memory as long as one
/// of them lives; nothing in the file can run. See `unpickle` for what becomes of Python's types.
/// Throws Error naming the file: kIo where it cannot be read, kCheckpoint where its content is at
/// fault (not a checkpoint, cut off, damaged, asks for code, holds no container).
Value load_torch_file(const std::filesystem::path& path);
/// The same from memory; errors name no file.
Value parse_torch_file(const StoragePtr& file);

/// Writes the zip form, complete or not at all; storages are streamed and each written once.
/// The result loads in Python with `torch.load(path, weights_only=True)`, unless `classes` lets
/// Records through.
void save_torch_file(const std::filesystem::path& path, const Value& value,
                     PickleClasses classes = PickleClasses::kRefuse);
/// The same to any receiver of bytes.
void write_torch_file(const WriteBytes& write, const Value& value,
                      PickleClasses classes = PickleClasses::kRefuse);

/// Whole file as one storage; throws Error (kIo) naming the file.
StoragePtr read_whole_file(const std::filesystem::path& path);

}  // namespace gannet
