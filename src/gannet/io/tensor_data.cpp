#include "gannet/io/tensor_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/io/byte_reader.h"

namespace gannet {
namespace {

constexpr std::size_t kMostDimensions = 64;

/// a * b + c without overflow, or an Error.
std::int64_t multiply_add(std::int64_t a, std::int64_t b, std::int64_t c) {
  std::int64_t product = 0;
  std::int64_t sum = 0;
  if (__builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(product, c, &sum)) {
    refuse("a tensor's size overflows 64 bits");
  }
  return sum;
}

bool has_no_elements(const std::vector<std::int64_t>& shape) {
  for (const std::int64_t size : shape) {
    if (size == 0) return true;
  }
  return false;
}

/// Calls `visit(source)` for every element in row-major order. Needs a validated tensor.
template <class Visit>
void for_each_element(const TensorData& tensor, const Visit& visit) {
  const std::int64_t count = tensor.num_elements();
  const std::size_t dimensions = tensor.shape.size();
  std::vector<std::int64_t> index(dimensions, 0);
  const auto item = static_cast<std::int64_t>(item_size(tensor.dtype));
  std::int64_t position = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    visit(tensor.data() + position * item);
    for (std::size_t d = dimensions; d-- > 0;) {
      position += tensor.strides[d];
      if (++index[d] < tensor.shape[d]) break;
      position -= tensor.strides[d] * tensor.shape[d];
      index[d] = 0;
    }
  }
}

template <class T>
T load(const std::byte* source) {
  T value;
  std::memcpy(&value, source, sizeof(T));
  return value;
}

double element_as_double(DType dtype, const std::byte* source) {
  switch (dtype) {
    case DType::kF16:
      return static_cast<double>(half_to_float(load<std::uint16_t>(source)));
    case DType::kBF16:
      return static_cast<double>(bfloat16_to_float(load<std::uint16_t>(source)));
    case DType::kF32:
      return static_cast<double>(load<float>(source));
    case DType::kF64:
      return load<double>(source);
    case DType::kI8:
      return load<std::int8_t>(source);
    case DType::kU8:
      return load<std::uint8_t>(source);
    case DType::kI16:
      return load<std::int16_t>(source);
    case DType::kI32:
      return load<std::int32_t>(source);
    case DType::kI64:
      return static_cast<double>(load<std::int64_t>(source));
    case DType::kBool:
      return load<std::uint8_t>(source) != 0 ? 1.0 : 0.0;
  }
  return 0.0;
}

}  // namespace

static_assert(std::endian::native == std::endian::little, "files are read as little-endian");

std::size_t item_size(DType dtype) {
  switch (dtype) {
    case DType::kI8:
    case DType::kU8:
    case DType::kBool:
      return 1;
    case DType::kF16:
    case DType::kBF16:
    case DType::kI16:
      return 2;
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kF64:
    case DType::kI64:
      return 8;
  }
  return 0;
}

std::string_view name(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return "float16";
    case DType::kBF16:
      return "bfloat16";
    case DType::kF32:
      return "float32";
    case DType::kF64:
      return "float64";
    case DType::kI8:
      return "int8";
    case DType::kU8:
      return "uint8";
    case DType::kI16:
      return "int16";
    case DType::kI32:
      return "int32";
    case DType::kI64:
      return "int64";
    case DType::kBool:
      return "bool";
  }
  return "?";
}

StoragePtr make_storage(std::string bytes) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  const char* data = owner->data();
  const std::size_t size = owner->size();
  return make_storage(std::move(owner), data, size);
}

StoragePtr make_storage(std::shared_ptr<const void> owner, const void* data, std::size_t size) {
  return std::make_shared<const StorageBytes>(
      StorageBytes{std::move(owner), static_cast<const std::byte*>(data), size});
}

std::int64_t TensorData::num_elements() const {
  if (has_no_elements(shape)) return 0;
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count = multiply_add(count, size, 0);
  return count;
}

std::size_t TensorData::num_bytes() const {
  return static_cast<std::size_t>(num_elements()) * item_size(dtype);
}

bool TensorData::is_contiguous() const {
  if (has_no_elements(shape)) return true;
  std::int64_t expected = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    if (shape[d] != 1 && strides[d] != expected) return false;
    expected *= shape[d];
  }
  return true;
}

const std::byte* TensorData::data() const {
  return storage->data + static_cast<std::size_t>(offset) * item_size(dtype);
}

void TensorData::copy_to(std::span<std::byte> destination) const {
  GANNET_CHECK(destination.size() == num_bytes(), "destination of another size");
  if (destination.empty()) return;
  const std::size_t item = item_size(dtype);
  if (is_contiguous()) {
    std::memcpy(destination.data(), data(), destination.size());
  } else {
    std::byte* target = destination.data();
    for_each_element(*this, [&](const std::byte* source) {
      std::memcpy(target, source, item);
      target += item;
    });
  }
  if (dtype != DType::kBool) return;
  for (std::byte& flag : destination) flag = flag == std::byte{0} ? std::byte{0} : std::byte{1};
}

std::vector<std::byte> TensorData::contiguous_bytes() const {
  std::vector<std::byte> bytes(num_bytes());
  copy_to(bytes);
  return bytes;
}

std::vector<double> TensorData::to_doubles() const {
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(num_elements()));
  for_each_element(
      *this, [&](const std::byte* source) { values.push_back(element_as_double(dtype, source)); });
  return values;
}

void TensorData::validate() const {
  if (!storage) refuse("a tensor has no storage");
  if (shape.size() != strides.size() || shape.size() > kMostDimensions) {
    refuse(fmt::format("a tensor has {} sizes and {} strides", shape.size(), strides.size()));
  }
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] < 0 || strides[d] < 0) {
      refuse(fmt::format("a tensor has size {} and stride {}", shape[d], strides[d]));
    }
  }
  const auto item = static_cast<std::int64_t>(item_size(dtype));
  const auto available = static_cast<std::int64_t>(storage->size) / item;
  if (offset < 0 || offset > available) {
    refuse(fmt::format("a tensor begins at element {} of a storage of {}", offset, available));
  }
  const std::int64_t count = num_elements();
  if (count == 0) return;
  multiply_add(count, item, 0);
  std::int64_t last = offset;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    last = multiply_add(shape[d] - 1, strides[d], last);
  }
  if (last >= available) {
    refuse(fmt::format("a tensor of shape [{}] reaches element {} of a storage of {}",
                       fmt::join(shape, ", "), last, available));
  }
}

std::vector<std::int64_t> contiguous_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) {
    // As torch: a dimension of size 0 counts as 1.
    strides[d - 1] = multiply_add(strides[d], std::max<std::int64_t>(shape[d], 1), 0);
  }
  return strides;
}

TensorData contiguous_tensor(DType dtype, std::vector<std::int64_t> shape, StoragePtr storage) {
  TensorData tensor{dtype, shape, contiguous_strides(shape), 0, std::move(storage)};
  tensor.validate();
  if (tensor.num_bytes() != tensor.storage->size) {
    refuse(fmt::format("a {} tensor of shape [{}] needs {} bytes and has {}", name(dtype),
                       fmt::join(shape, ", "), tensor.num_bytes(), tensor.storage->size));
  }
  return tensor;
}

float half_to_float(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1F;
  const int mantissa = bits & 0x3FF;
  const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  if (exponent == 31) {
    return mantissa == 0 ? sign * std::numeric_limits<float>::infinity()
                         : std::numeric_limits<float>::quiet_NaN();
  }
  return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

}  // namespace gannet
