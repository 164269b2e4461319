// A plain data tree: what a checkpoint holds, without code. Readers build it, writers take it, and
// only data lives in it; an instance of a Python class appears as an inert Record.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "gannet/io/tensor_data.h"

namespace gannet {

class Dict;
struct Record;

/// One node. As in Python, containers are shared by copies of a Value: a change shows in both.
/// Accessors throw Error (kCheckpoint) where the content is of another kind.
class Value {
 public:
  using List = std::vector<Value>;
  enum class Kind {
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kBytes,
    kList,
    kTuple,
    kDict,
    kTensor,
    kRecord
  };

  Value() = default;
  template <class T>
  requires std::is_integral_v<T> Value(T value);  // bool becomes kBool, other integers kInt
  Value(double value);
  Value(std::string value);  // UTF-8
  Value(std::string_view value) : Value(std::string(value)) {}
  Value(const char* value) : Value(std::string(value)) {}
  Value(TensorData value);
  Value(Record value);
  static Value bytes(std::string value);
  static Value list(List items = {});
  static Value tuple(List items);
  static Value dict(std::initializer_list<std::pair<Value, Value>> entries = {});

  Kind kind() const;
  /// "none", "dict", ... for messages.
  std::string_view kind_name() const;
  bool is_none() const { return kind() == Kind::kNone; }
  bool is_number() const { return kind() == Kind::kInt || kind() == Kind::kFloat; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_sequence() const { return kind() == Kind::kList || kind() == Kind::kTuple; }
  bool is_dict() const { return kind() == Kind::kDict; }
  bool is_tensor() const { return kind() == Kind::kTensor; }
  bool is_record() const { return kind() == Kind::kRecord; }

  bool as_bool() const;
  std::int64_t as_int() const;  // int or bool
  double as_double() const;     // float, int or bool
  const std::string& as_string() const;
  const std::string& as_bytes() const;
  const List& as_list() const;  // list or tuple
  const Dict& as_dict() const;
  const TensorData& as_tensor() const;
  const Record& as_record() const;
  List& as_list();
  Dict& as_dict();
  TensorData& as_tensor();
  Record& as_record();

  /// Entry of a dict, or of the state dict of a record; null where there is none.
  const Value* find(std::string_view key) const;
  /// The same, but throws an Error that names the missing key.
  const Value& at(std::string_view key) const;
  /// Follows keys downwards; an Error names the whole path, "optimizer/param_groups".
  const Value& at(std::initializer_list<std::string_view> path) const;
  const Value& at(std::size_t index) const;
  /// Entries as plain types; an Error names the key and what was found there.
  bool bool_at(std::string_view key) const;
  std::int64_t int_at(std::string_view key) const;
  double double_at(std::string_view key) const;
  const std::string& string_at(std::string_view key) const;
  const TensorData& tensor_at(std::string_view key) const;
  const List& list_at(std::string_view key) const;

  /// Sets an entry of a dict, or appends to a list.
  void set(Value key, Value value);
  void append(Value value);

  /// Address of the shared container, null for the other kinds: tells shared parts from equal ones.
  const void* identity() const;

 private:
  using Text = std::shared_ptr<const std::string>;
  struct Bytes {
    Text text;
  };
  struct Tuple {
    std::shared_ptr<List> items;
  };
  std::variant<std::monostate, bool, std::int64_t, double, Text, Bytes, std::shared_ptr<List>,
               Tuple, std::shared_ptr<Dict>, std::shared_ptr<TensorData>, std::shared_ptr<Record>>
      content_;
};

/// Entries in the order of insertion, found by key as in Python (1, 1.0 and true are one key).
/// Keys are none, bool, numbers, strings, bytes and tuples of these.
class Dict {
 public:
  using Entry = std::pair<Value, Value>;

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  const Value* find(const Value& key) const;
  /// Throws Error (kCheckpoint) for a key of a kind that cannot be one.
  void set(Value key, Value value);
  void clear();

 private:
  std::size_t index_of(const Value& key) const;

  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;  // filled beyond a few entries
};

/// An instance of a class, a call, or the bare name of either, as data. Never brought to life.
struct Record {
  enum class Form {
    kInstance,   // cls.__new__(cls, *args), then its state
    kCall,       // a callable applied to args; only written, never read
    kReference,  // the name alone
  };
  std::string module;
  std::string name;
  Form form = Form::kInstance;
  Value args = Value::tuple({});
  Value state;    // none where there is none; else mostly a dict of attributes
  Value entries;  // dict content of an instance of a dict subclass, else none

  std::string full_name() const { return module + "." + name; }
};

template <class T>
requires std::is_integral_v<T> Value::Value(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    content_ = value;
  } else {
    content_ = static_cast<std::int64_t>(value);
  }
}

}  // namespace gannet
