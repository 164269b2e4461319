// A tensor as plain memory: element type, shape, strides and a window into bytes that several
// tensors may share. The meeting point of the file formats and the code that knows torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gannet {

enum class DType { kF16, kBF16, kF32, kF64, kI8, kU8, kI16, kI32, kI64, kBool };

/// Bytes of one element.
std::size_t item_size(DType dtype);
/// torch's name: "float32", "bool", ...
std::string_view name(DType dtype);

/// Bytes that tensors look into, and whatever keeps those bytes alive. They may be unaligned.
struct StorageBytes {
  std::shared_ptr<const void> owner;
  const std::byte* data = nullptr;
  std::size_t size = 0;
};
using StoragePtr = std::shared_ptr<const StorageBytes>;

/// A storage that owns a copy-free moved string of bytes.
StoragePtr make_storage(std::string bytes);
/// A storage over memory that `owner` keeps alive (e.g. a torch tensor held by a shared_ptr).
StoragePtr make_storage(std::shared_ptr<const void> owner, const void* data, std::size_t size);

/// A view into a storage. Strides and offset count elements; little-endian, as on disk.
struct TensorData {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::int64_t offset = 0;
  StoragePtr storage;

  /// Product of the shape; 1 for a scalar (empty shape).
  std::int64_t num_elements() const;
  std::size_t num_bytes() const;
  /// Whether the elements lie row-major without gaps.
  bool is_contiguous() const;
  /// Address of the first element; not necessarily aligned.
  const std::byte* data() const;
  /// Row-major copy; `destination` has num_bytes(). Booleans become 0 or 1.
  void copy_to(std::span<std::byte> destination) const;
  std::vector<std::byte> contiguous_bytes() const;
  /// Every element as a double, row-major (int64 beyond 2^53 is rounded).
  std::vector<double> to_doubles() const;
  /// Throws Error (kCheckpoint) unless every element lies inside the storage, sizes and strides
  /// are not negative and no product overflows. Readers call it for each tensor that they make.
  void validate() const;
};

/// Row-major strides of a shape.
std::vector<std::int64_t> contiguous_strides(const std::vector<std::int64_t>& shape);
/// A row-major tensor over a whole storage; throws Error (kCheckpoint) where the size differs.
TensorData contiguous_tensor(DType dtype, std::vector<std::int64_t> shape, StoragePtr storage);

/// Values of half and brain floats given by their bits.
float half_to_float(std::uint16_t bits);
float bfloat16_to_float(std::uint16_t bits);

}  // namespace gannet
