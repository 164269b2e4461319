#include <fmt/format.h>

#include <bit>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gannet/io/byte_reader.h"
#include "gannet/io/pickle/calls.h"
#include "gannet/io/pickle/objects.h"
#include "gannet/io/pickle/pickle.h"

namespace gannet {
namespace {

struct StorageClass {
  std::string_view name;
  DType dtype;
};

constexpr StorageClass kStorageClasses[] = {
    {"HalfStorage", DType::kF16},  {"BFloat16Storage", DType::kBF16},
    {"FloatStorage", DType::kF32}, {"DoubleStorage", DType::kF64},
    {"CharStorage", DType::kI8},   {"ByteStorage", DType::kU8},
    {"ShortStorage", DType::kI16}, {"IntStorage", DType::kI32},
    {"LongStorage", DType::kI64},  {"BoolStorage", DType::kBool},
};

DType storage_type(const Record& type) {
  if (type.module == "torch" || type.module == "torch.cuda") {
    for (const StorageClass& entry : kStorageClasses) {
      if (entry.name == type.name) return entry.dtype;
    }
  }
  refuse(fmt::format("a tensor has the storage type '{}'", printable(type.full_name())));
}

/// Little-endian two's complement; beyond 64 bits an inert record with the digits in hexadecimal.
Value long_integer(std::string_view bytes, PickleObjects& objects) {
  if (bytes.size() > 8) {
    std::string digits;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      digits += fmt::format("{:02x}", static_cast<unsigned char>(bytes[i]));
    }
    objects.charge(digits.size());
    return objects.instance("builtins", "int", objects.tuple({Value(digits)}));
  }
  std::uint64_t value = !bytes.empty() && (bytes.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(bytes[i]);
  }
  return static_cast<std::int64_t>(value);
}

/// The pickle machine: a stack, marks in it, and a memo. One function per group of opcodes.
class Unpickler {
 public:
  Unpickler(std::string_view bytes, const StorageSource& storages)
      : reader_(bytes, "the pickle"), storages_(storages), objects_(bytes.size()) {}

  Value run() {
    while (true) {
      const std::uint8_t opcode = reader_.u8();
      if (opcode == '.') break;
      if (!constant(opcode) && !text(opcode) && !container(opcode) && !memo(opcode) &&
          !call(opcode) && !structure(opcode)) {
        refuse(fmt::format("the pickle has the unknown opcode 0x{:02x} at byte {}", opcode,
                           reader_.position() - 1));
      }
    }
    Value result = pop();
    objects_.accept(result);
    return result;
  }
  std::size_t used() const { return reader_.position(); }

 private:
  bool constant(std::uint8_t opcode);
  bool text(std::uint8_t opcode);
  bool container(std::uint8_t opcode);
  bool memo(std::uint8_t opcode);
  bool call(std::uint8_t opcode);
  bool structure(std::uint8_t opcode);

  void push(Value value) { stack_.push_back(std::move(value)); }
  Value& top();
  Value pop();
  /// Takes everything above the last mark, and the mark.
  Value::List pop_to_mark();
  void push_tuple(std::size_t size);
  void push_text(std::string_view bytes, bool must_be_text);
  void append(Value::List items);
  void set_items(Value::List items);
  void put_memo(std::uint64_t index) { memo_[index] = top(); }
  void get_memo(std::uint64_t index);
  void global(std::string_view module, std::string_view name);
  void persistent();

  ByteReader reader_;
  const StorageSource& storages_;
  PickleObjects objects_;
  Value::List stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Value> memo_;
};

Value& Unpickler::top() {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) refuse("the pickle takes more than it has put");
  return stack_.back();
}

Value Unpickler::pop() {
  Value value = std::move(top());
  stack_.pop_back();
  return value;
}

Value::List Unpickler::pop_to_mark() {
  if (marks_.empty()) refuse("the pickle misses a mark");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  Value::List items(std::make_move_iterator(begin), std::make_move_iterator(stack_.end()));
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

bool Unpickler::constant(std::uint8_t opcode) {
  switch (opcode) {
    case 'N':
      push({});
      return true;
    case 0x88:
    case 0x89:
      push(opcode == 0x88);
      return true;
    case 'K':
      push(reader_.u8());
      return true;
    case 'M':
      push(reader_.u16());
      return true;
    case 'J':
      push(static_cast<std::int32_t>(reader_.u32()));
      return true;
    case 0x8a:
      push(long_integer(reader_.take(reader_.u8()), objects_));
      return true;
    case 0x8b:
      push(long_integer(reader_.take(reader_.u32()), objects_));
      return true;
    case 'G': {
      std::uint64_t bits = 0;
      for (const char c : reader_.take(8)) bits = bits << 8U | static_cast<unsigned char>(c);
      push(std::bit_cast<double>(bits));
      return true;
    }
    default:
      return false;
  }
}

void Unpickler::push_text(std::string_view bytes, bool must_be_text) {
  if (is_utf8(bytes)) return push(bytes);
  if (must_be_text) refuse(fmt::format("the string '{}' is not UTF-8", printable(bytes)));
  push(Value::bytes(std::string(bytes)));
}

bool Unpickler::text(std::uint8_t opcode) {
  switch (opcode) {
    case 'X':
      push_text(reader_.take(reader_.u32()), true);
      return true;
    case 0x8c:
      push_text(reader_.take(reader_.u8()), true);
      return true;
    case 0x8d:
      push_text(reader_.take(reader_.u64()), true);
      return true;
    case 'U':  // Python 2's str: text or bytes
      push_text(reader_.take(reader_.u8()), false);
      return true;
    case 'T':
      push_text(reader_.take(reader_.u32()), false);
      return true;
    case 'C':
      push(Value::bytes(std::string(reader_.take(reader_.u8()))));
      return true;
    case 'B':
      push(Value::bytes(std::string(reader_.take(reader_.u32()))));
      return true;
    case 0x8e:
    case 0x96:
      push(Value::bytes(std::string(reader_.take(reader_.u64()))));
      return true;
    default:
      return false;
  }
}

void Unpickler::push_tuple(std::size_t size) {
  Value::List items(size);
  for (std::size_t i = size; i-- > 0;) items[i] = pop();
  push(objects_.tuple(std::move(items)));
}

void Unpickler::append(Value::List items) {
  Value& target = top();
  if (target.kind() != Value::Kind::kList) {
    refuse(fmt::format("the pickle appends to a value of type {}", target.kind_name()));
  }
  Value::List& list = target.as_list();
  for (Value& item : items) list.push_back(std::move(item));
}

void Unpickler::set_items(Value::List items) {
  Value target = top();
  if (target.is_record() && target.as_record().form == Record::Form::kInstance) {
    Record& record = target.as_record();
    if (record.entries.is_none()) record.entries = objects_.dict();
    target = record.entries;
  }
  if (!target.is_dict())
    refuse(fmt::format("the pickle sets items of a value of type {}", target.kind_name()));
  if (items.size() % 2 != 0) refuse("the pickle sets a key without a value");
  for (std::size_t i = 0; i < items.size(); i += 2) {
    target.set(std::move(items[i]), std::move(items[i + 1]));
  }
}

bool Unpickler::container(std::uint8_t opcode) {
  switch (opcode) {
    case ']':
    case 0x8f:  // an empty set: a list here
      push(objects_.list());
      return true;
    case '}':
      push(objects_.dict());
      return true;
    case ')':
      push_tuple(0);
      return true;
    case 0x85:
    case 0x86:
    case 0x87:
      push_tuple(opcode - 0x84U);
      return true;
    case 't':
      push(objects_.tuple(pop_to_mark()));
      return true;
    case 'l':
    case 0x91:  // frozenset
      push(objects_.list(pop_to_mark()));
      return true;
    case 'd': {
      Value::List items = pop_to_mark();
      push(objects_.dict());
      set_items(std::move(items));
      return true;
    }
    case 'a': {
      Value item = pop();
      append({std::move(item)});
      return true;
    }
    case 'e':
    case 0x90:  // items of a set
      append(pop_to_mark());
      return true;
    case 's': {
      Value value = pop();
      Value key = pop();
      set_items({std::move(key), std::move(value)});
      return true;
    }
    case 'u':
      set_items(pop_to_mark());
      return true;
    default:
      return false;
  }
}

void Unpickler::get_memo(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) refuse(fmt::format("the pickle reads memo {}, never set", index));
  push(found->second);
}

bool Unpickler::memo(std::uint8_t opcode) {
  switch (opcode) {
    case 'q':
      put_memo(reader_.u8());
      return true;
    case 'r':
      put_memo(reader_.u32());
      return true;
    case 0x94:
      put_memo(memo_.size());
      return true;
    case 'h':
      get_memo(reader_.u8());
      return true;
    case 'j':
      get_memo(reader_.u32());
      return true;
    default:
      return false;
  }
}

void Unpickler::global(std::string_view module, std::string_view name) {
  if (!is_utf8(module) || !is_utf8(name)) refuse("a class name is not UTF-8");
  push(make_reference(module, name));
}

bool Unpickler::call(std::uint8_t opcode) {
  switch (opcode) {
    case 'c': {
      const std::string_view module = reader_.line();
      global(module, reader_.line());
      return true;
    }
    case 0x93: {
      const Value name = pop();
      const Value module = pop();
      global(module.as_string(), name.as_string());
      return true;
    }
    case 'i': {
      const std::string_view module = reader_.line();
      global(module, reader_.line());
      const Value callable = pop();
      const Value args = objects_.tuple(pop_to_mark());
      push(new_instance(callable, args, objects_));
      return true;
    }
    case 'R': {
      const Value args = pop();
      const Value callable = pop();
      push(call_helper(callable, args, objects_));
      return true;
    }
    case 0x81:
    case 0x92: {
      if (opcode == 0x92 && !pop().as_dict().empty()) refuse("an instance with named arguments");
      const Value args = pop();
      const Value callable = pop();
      push(new_instance(callable, args, objects_));
      return true;
    }
    case 'b': {
      const Value state = pop();
      build(top(), state, objects_);
      return true;
    }
    case 'Q':
      persistent();
      return true;
    default:
      return false;
  }
}

/// ('storage', type, key, device, count[, view]) or ('module', class, file, source), which some
/// legacy files put where a class is meant.
void Unpickler::persistent() {
  const Value id = pop();
  const std::string& kind = id.at(0).as_string();
  if (kind == "module" && id.as_list().size() == 4) return push(id.at(1));
  if (kind != "storage" || id.as_list().size() < 5) {
    refuse(fmt::format("a persistent id of the kind '{}'", printable(kind)));
  }
  if (id.as_list().size() > 5 && !id.at(5).is_none()) {
    refuse("a view of a storage, as torch before 0.4 wrote", "save it again with a newer torch");
  }
  StorageId storage{storage_type(id.at(1).as_record()), id.at(2).as_string(), id.at(4).as_int()};
  const auto item = static_cast<std::int64_t>(item_size(storage.dtype));
  if (storage.num_elements < 0 ||
      storage.num_elements > std::numeric_limits<std::int64_t>::max() / item) {
    refuse(fmt::format("a storage claims {} elements", storage.num_elements));
  }
  if (!storages_) refuse("a tensor where none can be");
  objects_.charge(storage.key.size());
  StoragePtr bytes = storages_(storage);
  push(
      objects_.tensor(TensorData{storage.dtype, {storage.num_elements}, {1}, 0, std::move(bytes)}));
}

bool Unpickler::structure(std::uint8_t opcode) {
  switch (opcode) {
    case '(':
      marks_.push_back(stack_.size());
      return true;
    case '0':
      // As in CPython, POP takes a mark where one is on top.
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case '1':
      pop_to_mark();
      return true;
    case '2':
      push(top());
      return true;
    case 0x80: {
      constexpr std::uint8_t kNewest = 5;
      const std::uint8_t protocol = reader_.u8();
      if (protocol > kNewest) refuse(fmt::format("pickle protocol {} is unknown", protocol));
      return true;
    }
    case 0x95:  // a frame: only its length, for buffering
      if (reader_.u64() > reader_.remaining()) refuse("the pickle ends inside a frame");
      return true;
    default:
      return false;
  }
}

}  // namespace

Value unpickle(std::string_view bytes, const StorageSource& storages, std::size_t* used) {
  Unpickler unpickler(bytes, storages);
  Value result = unpickler.run();
  if (used != nullptr) *used = unpickler.used();
  return result;
}

}  // namespace gannet
