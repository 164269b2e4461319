#include <fmt/format.h>

#include <bit>
#include <limits>

#include "gannet/io/byte_reader.h"
#include "gannet/io/pickle/pickle.h"

namespace gannet {
namespace {

constexpr int kDeepest = 500;
constexpr std::size_t kBatch = 1000;  // items per APPENDS or SETITEMS, as CPython's

std::string_view storage_class(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return "HalfStorage";
    case DType::kBF16:
      return "BFloat16Storage";
    case DType::kF32:
      return "FloatStorage";
    case DType::kF64:
      return "DoubleStorage";
    case DType::kI8:
      return "CharStorage";
    case DType::kU8:
      return "ByteStorage";
    case DType::kI16:
      return "ShortStorage";
    case DType::kI32:
      return "IntStorage";
    case DType::kI64:
      return "LongStorage";
    case DType::kBool:
      return "BoolStorage";
  }
  return "?";
}

class Pickler {
 public:
  Pickler(const StorageKey& storage_key, PickleClasses classes)
      : storage_key_(storage_key), classes_(classes) {}

  std::string run(const Value& value) {
    out_ = "\x80\x02";
    put(value, 0);
    out_ += '.';
    return std::move(out_);
  }

 private:
  void put(const Value& value, int depth);
  void put_int(std::int64_t value);
  void put_float(double value);
  void put_string(std::string_view text);
  void put_bytes(std::string_view bytes);
  void put_list(const Value::List& items, int depth);
  void put_tuple(const Value::List& items, int depth);
  void put_sizes(const std::vector<std::int64_t>& sizes);
  void put_dict(const Dict& dict, int depth);
  void put_tensor(const TensorData& tensor);
  void put_record(const Record& record, int depth);
  void put_global(std::string_view module, std::string_view name);
  void put_number(std::uint64_t value, int bytes);

  const StorageKey& storage_key_;
  PickleClasses classes_;
  std::string out_;
};

void Pickler::put_number(std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out_ += static_cast<char>((value >> (8 * i)) & 0xFF);
}

void Pickler::put(const Value& value, int depth) {
  if (depth > kDeepest) refuse("the content nests too deeply to be written");
  switch (value.kind()) {
    case Value::Kind::kNone:
      out_ += 'N';
      return;
    case Value::Kind::kBool:
      out_ += value.as_bool() ? '\x88' : '\x89';
      return;
    case Value::Kind::kInt:
      return put_int(value.as_int());
    case Value::Kind::kFloat:
      return put_float(value.as_double());
    case Value::Kind::kString:
      return put_string(value.as_string());
    case Value::Kind::kBytes:
      return put_bytes(value.as_bytes());
    case Value::Kind::kList:
      return put_list(value.as_list(), depth);
    case Value::Kind::kTuple:
      return put_tuple(value.as_list(), depth);
    case Value::Kind::kDict:
      return put_dict(value.as_dict(), depth);
    case Value::Kind::kTensor:
      return put_tensor(value.as_tensor());
    case Value::Kind::kRecord:
      return put_record(value.as_record(), depth);
  }
}

void Pickler::put_int(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= 0 && value < 256) {
    out_ += 'K';
    put_number(bits, 1);
  } else if (value >= std::numeric_limits<std::int32_t>::min() &&
             value <= std::numeric_limits<std::int32_t>::max()) {
    out_ += 'J';
    put_number(bits, 4);
  } else {
    out_ += "\x8a\x08";
    put_number(bits, 8);
  }
}

void Pickler::put_float(double value) {
  out_ += 'G';
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int i = 7; i >= 0; --i) out_ += static_cast<char>((bits >> (8 * i)) & 0xFF);
}

void Pickler::put_string(std::string_view text) {
  if (!is_utf8(text)) refuse(fmt::format("'{}' is not UTF-8", printable(text)));
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) refuse("a string of over 4 GiB");
  out_ += 'X';
  put_number(text.size(), 4);
  out_ += text;
}

/// Protocol 2 has no bytes: CPython writes them as text, to be encoded as Latin-1.
void Pickler::put_bytes(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xC0 | (byte >> 6));
      text += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  put_global("_codecs", "encode");
  put_string(text);
  put_string("latin1");
  out_ += "\x86R";
}

void Pickler::put_list(const Value::List& items, int depth) {
  out_ += ']';
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i % kBatch == 0) out_ += '(';
    put(items[i], depth + 1);
    if (i % kBatch == kBatch - 1 || i + 1 == items.size()) out_ += 'e';
  }
}

void Pickler::put_tuple(const Value::List& items, int depth) {
  if (items.empty()) {
    out_ += ')';
    return;
  }
  out_ += '(';
  for (const Value& item : items) put(item, depth + 1);
  out_ += 't';
}

void Pickler::put_sizes(const std::vector<std::int64_t>& sizes) {
  out_ += '(';
  for (const std::int64_t size : sizes) put_int(size);
  out_ += 't';
}

void Pickler::put_dict(const Dict& dict, int depth) {
  out_ += '}';
  std::size_t i = 0;
  for (const auto& [key, value] : dict) {
    if (i % kBatch == 0) out_ += '(';
    put(key, depth + 1);
    put(value, depth + 1);
    if (i % kBatch == kBatch - 1 || i + 1 == dict.size()) out_ += 'u';
    ++i;
  }
}

/// torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, OrderedDict()).
void Pickler::put_tensor(const TensorData& tensor) {
  tensor.validate();
  put_global("torch._utils", "_rebuild_tensor_v2");
  out_ += "((";
  put_string("storage");
  put_global("torch", storage_class(tensor.dtype));
  put_string(storage_key_(tensor.storage, tensor.dtype));
  put_string("cpu");
  put_int(static_cast<std::int64_t>(tensor.storage->size / item_size(tensor.dtype)));
  out_ += "tQ";
  put_int(tensor.offset);
  put_sizes(tensor.shape);
  put_sizes(tensor.strides);
  out_ += '\x89';
  put_global("collections", "OrderedDict");
  out_ += ")RtR";
}

void Pickler::put_record(const Record& record, int depth) {
  if (classes_ == PickleClasses::kRefuse) {
    refuse(fmt::format("an instance of {} cannot be written as plain data", record.full_name()));
  }
  put_global(record.module, record.name);
  if (record.form == Record::Form::kReference) return;
  put_tuple(record.args.as_list(), depth);
  out_ += record.form == Record::Form::kCall ? 'R' : '\x81';
  if (record.entries.is_dict()) {
    for (const auto& [key, value] : record.entries.as_dict()) {
      put(key, depth + 1);
      put(value, depth + 1);
      out_ += 's';
    }
  }
  if (record.state.is_none()) return;
  put(record.state, depth + 1);
  out_ += 'b';
}

void Pickler::put_global(std::string_view module, std::string_view name) {
  if (module.find('\n') != module.npos || name.find('\n') != name.npos) {
    refuse("a class name with a line break");
  }
  out_ += 'c';
  out_ += module;
  out_ += '\n';
  out_ += name;
  out_ += '\n';
}

}  // namespace

std::string pickle(const Value& value, const StorageKey& storage_key, PickleClasses classes) {
  return Pickler(storage_key, classes).run(value);
}

}  // namespace gannet
