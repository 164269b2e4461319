// Python's pickle format, as data only. Reading never runs or looks up code: it builds a Value
// tree, gives meaning to a fixed list of helpers that only carry data (tensors, ordered
// dictionaries, numpy numbers) and refuses every other call. Writing gives protocol 2 that
// `torch.load(..., weights_only=True)` accepts.
// Format: CPython Lib/pickletools.py (opcodes), torch/serialization.py (persistent ids).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "gannet/io/value.h"

namespace gannet {

/// A tensor's storage as a pickle names it: ('storage', torch.FloatStorage, key, device, count).
struct StorageId {
  DType dtype = DType::kF32;
  std::string key;
  std::int64_t num_elements = 0;
};

/// Gives the storage with at least `num_elements` elements; `data` may be filled in later, the
/// size must be right at once. Throws Error where there is none.
using StorageSource = std::function<StoragePtr(const StorageId&)>;

/// Reads one pickle from the front of `bytes`; `used` receives its length.
/// Lists, tuples, dicts and strings come as such; OrderedDict, defaultdict and Counter as dicts,
/// sets and deques as lists, torch.Size as a tuple, paths and devices as strings, numpy arrays as
/// tensors, numpy scalars as numbers, parameters as tensors, other instances as Records, integers
/// beyond 64 bits as Records builtins.int with their digits in hexadecimal.
/// Throws Error (kCheckpoint) for calls of anything else, damaged input, cycles, nesting beyond
/// 500 levels, tensors outside their storage, and content out of proportion to the input.
Value unpickle(std::string_view bytes, const StorageSource& storages, std::size_t* used = nullptr);

/// Chooses the key under which a storage, seen as elements of one type, is saved.
using StorageKey = std::function<std::string(const StoragePtr&, DType)>;

enum class PickleClasses {
  kRefuse,  // a Record is an error: the result loads with weights_only=True
  kWrite,   // Records become references, instances and calls: for files that need classes
};

/// Writes protocol 2. Shared containers are written once for each place.
/// Throws Error (kCheckpoint) for Records when refused and for nesting beyond 500 levels.
std::string pickle(const Value& value, const StorageKey& storage_key,
                   PickleClasses classes = PickleClasses::kRefuse);

}  // namespace gannet
