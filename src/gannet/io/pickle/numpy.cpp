#include "gannet/io/pickle/numpy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "gannet/io/byte_reader.h"

namespace gannet {
namespace {

struct NamedType {
  std::string_view code;
  DType dtype;
};

constexpr std::array kTypes = {
    NamedType{"f2", DType::kF16}, NamedType{"f4", DType::kF32}, NamedType{"f8", DType::kF64},
    NamedType{"i1", DType::kI8},  NamedType{"i2", DType::kI16}, NamedType{"i4", DType::kI32},
    NamedType{"i8", DType::kI64}, NamedType{"u1", DType::kU8},  NamedType{"b1", DType::kBool},
};

DType element_type(const Value& descriptor) {
  const Record& record = descriptor.as_record();
  if (record.name != "dtype" || record.form != Record::Form::kInstance) {
    refuse("a numpy array without a dtype");
  }
  const std::string& code = record.args.at(0).as_string();
  const auto found = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](const NamedType& type) { return type.code == code; });
  if (found == kTypes.end()) {
    refuse(fmt::format("a numpy value of type '{}' is not supported", printable(code)));
  }
  const bool big_endian = !record.state.is_none() && record.state.at(1).as_string() == ">";
  if (big_endian && item_size(found->dtype) > 1) refuse("a numpy value in big-endian order");
  return found->dtype;
}

/// Python 2 has one type for text and bytes.
const std::string& raw_bytes(const Value& value) {
  return value.is_string() ? value.as_string() : value.as_bytes();
}

TensorData array(const Value& bytes, const Value& descriptor, const Value& shape, bool fortran,
                 PickleObjects& objects) {
  const std::string& content = raw_bytes(bytes);
  objects.charge(content.size() + shape.as_list().size());
  std::vector<std::int64_t> sizes;
  for (const Value& size : shape.as_list()) sizes.push_back(size.as_int());
  if (fortran) std::reverse(sizes.begin(), sizes.end());
  TensorData tensor =
      contiguous_tensor(element_type(descriptor), std::move(sizes), make_storage(content));
  if (fortran) {
    std::reverse(tensor.shape.begin(), tensor.shape.end());
    std::reverse(tensor.strides.begin(), tensor.strides.end());
  }
  return tensor;
}

}  // namespace

Value numpy_dtype(const Value::List& args, PickleObjects& objects) {
  objects.charge(args.size());
  return objects.instance("numpy", "dtype", objects.tuple(args));
}

Value numpy_reconstruct(const Value::List& args, PickleObjects& objects) {
  if (args.empty() || args[0].as_record().full_name() != "numpy.ndarray") {
    refuse("a numpy array of an unknown class");
  }
  return objects.pending_array();
}

Value numpy_scalar(const Value::List& args, PickleObjects& objects) {
  if (args.size() != 2) refuse("a numpy scalar without a value");
  const TensorData scalar = array(args[1], args[0], objects.tuple({}), false, objects);
  switch (scalar.dtype) {
    case DType::kF16:
    case DType::kF32:
    case DType::kF64:
      return scalar.to_doubles().front();
    case DType::kBool:
      return scalar.to_doubles().front() != 0.0;
    case DType::kI64: {
      std::int64_t value = 0;
      scalar.copy_to(std::as_writable_bytes(std::span(&value, 1)));
      return value;
    }
    default:
      return static_cast<std::int64_t>(scalar.to_doubles().front());
  }
}

Value numpy_from_buffer(const Value::List& args, PickleObjects& objects) {
  if (args.size() != 4) refuse("a numpy array without content");
  return objects.tensor(array(args[0], args[1], args[2], args[3].as_string() == "F", objects));
}

void numpy_set_state(TensorData& tensor, const Value& state, PickleObjects& objects) {
  const Value::List& parts = state.as_list();
  if (parts.size() != 5) refuse("a numpy array without content");
  tensor = array(parts[4], parts[2], parts[1], parts[3].as_bool(), objects);
}

}  // namespace gannet
