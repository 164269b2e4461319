#include "gannet/io/value.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "gannet/core/error.h"
#include "gannet/io/byte_reader.h"

namespace gannet {
namespace {

constexpr std::string_view kKindNames[] = {"none", "bool",  "int",  "float",  "string", "bytes",
                                           "list", "tuple", "dict", "tensor", "record"};
constexpr std::size_t kSmallDict = 8;
constexpr std::size_t kLongestKey = 4096;  // bounds the work that a hostile file can ask for
constexpr std::size_t kMissing = static_cast<std::size_t>(-1);

[[noreturn]] void wrong_kind(std::string_view wanted, const Value& value) {
  throw Error(ErrorKind::kCheckpoint,
              fmt::format("{} expected, found {}", wanted, value.kind_name()));
}

/// The accessor's result, with the key added to its error.
template <class Access>
decltype(auto) named(std::string_view key, const Access& access) {
  try {
    return access();
  } catch (const Error& error) {
    if (!error.where().key.empty()) throw;
    throw Error(error.kind(), error.message(), {error.where().path, 0, printable(key)},
                error.advice());
  }
}

bool fits_int64(double value) { return value == std::floor(value) && std::abs(value) < 9.2e18; }

void append_sized(char kind, const std::string& content, std::string& text) {
  if (content.size() > kLongestKey) refuse("a dictionary key is too long");
  text += fmt::format("{}{}:", kind, content.size());
  text += content;
}

/// Equal texts for equal keys. `depth` guards against tuples inside tuples without end.
void append_key_text(const Value& key, int depth, std::string& text) {
  switch (key.kind()) {
    case Value::Kind::kNone:
      text += "n;";
      return;
    case Value::Kind::kBool:
    case Value::Kind::kInt:
      text += fmt::format("i{};", key.as_int());
      return;
    case Value::Kind::kFloat:
      if (const double number = key.as_double(); fits_int64(number)) {
        text += fmt::format("i{};", static_cast<std::int64_t>(number));
      } else {
        text += fmt::format("f{};", std::bit_cast<std::uint64_t>(number));
      }
      return;
    case Value::Kind::kString:
      append_sized('s', key.as_string(), text);
      return;
    case Value::Kind::kBytes:
      append_sized('b', key.as_bytes(), text);
      return;
    case Value::Kind::kTuple:
      if (depth > 4) refuse("a dictionary key nests tuples too deeply");
      if (key.as_list().size() > kLongestKey) refuse("a dictionary key is too long");
      text += fmt::format("t{}:", key.as_list().size());
      for (const Value& item : key.as_list()) {
        append_key_text(item, depth + 1, text);
        if (text.size() > 4 * kLongestKey) refuse("a dictionary key is too long");
      }
      return;
    default:
      refuse(fmt::format("a {} cannot be a dictionary key", key.kind_name()));
  }
}

std::string key_text(const Value& key) {
  std::string text;
  append_key_text(key, 0, text);
  return text;
}

}  // namespace

Value::Value(double value) : content_(value) {}
Value::Value(std::string value) : content_(std::make_shared<const std::string>(std::move(value))) {}
Value::Value(TensorData value) : content_(std::make_shared<TensorData>(std::move(value))) {}
Value::Value(Record value) : content_(std::make_shared<Record>(std::move(value))) {}

Value Value::bytes(std::string value) {
  Value result;
  result.content_ = Bytes{std::make_shared<const std::string>(std::move(value))};
  return result;
}

Value Value::list(List items) {
  Value result;
  result.content_ = std::make_shared<List>(std::move(items));
  return result;
}

Value Value::tuple(List items) {
  Value result;
  result.content_ = Tuple{std::make_shared<List>(std::move(items))};
  return result;
}

Value Value::dict(std::initializer_list<std::pair<Value, Value>> entries) {
  Value result;
  auto dict = std::make_shared<Dict>();
  for (const auto& [key, value] : entries) dict->set(key, value);
  result.content_ = std::move(dict);
  return result;
}

Value::Kind Value::kind() const { return static_cast<Kind>(content_.index()); }

std::string_view Value::kind_name() const { return kKindNames[content_.index()]; }

bool Value::as_bool() const {
  if (const bool* flag = std::get_if<bool>(&content_)) return *flag;
  wrong_kind("a bool", *this);
}

std::int64_t Value::as_int() const {
  if (const std::int64_t* number = std::get_if<std::int64_t>(&content_)) return *number;
  if (const bool* flag = std::get_if<bool>(&content_)) return *flag ? 1 : 0;
  wrong_kind("an integer", *this);
}

double Value::as_double() const {
  if (const double* number = std::get_if<double>(&content_)) return *number;
  if (kind() != Kind::kInt && kind() != Kind::kBool) wrong_kind("a number", *this);
  return static_cast<double>(as_int());
}

const std::string& Value::as_string() const {
  if (const Text* text = std::get_if<Text>(&content_)) return **text;
  wrong_kind("a string", *this);
}

const std::string& Value::as_bytes() const {
  if (const Bytes* bytes = std::get_if<Bytes>(&content_)) return *bytes->text;
  wrong_kind("bytes", *this);
}

Value::List& Value::as_list() {
  if (auto* items = std::get_if<std::shared_ptr<List>>(&content_)) return **items;
  if (auto* tuple = std::get_if<Tuple>(&content_)) return *tuple->items;
  wrong_kind("a list", *this);
}

Dict& Value::as_dict() {
  if (auto* dict = std::get_if<std::shared_ptr<Dict>>(&content_)) return **dict;
  wrong_kind("a dict", *this);
}

TensorData& Value::as_tensor() {
  if (auto* tensor = std::get_if<std::shared_ptr<TensorData>>(&content_)) return **tensor;
  wrong_kind("a tensor", *this);
}

Record& Value::as_record() {
  if (auto* record = std::get_if<std::shared_ptr<Record>>(&content_)) return **record;
  wrong_kind("a class instance", *this);
}

// The same content seen as const; a Value's containers are shared and never const themselves.
const Value::List& Value::as_list() const { return const_cast<Value*>(this)->as_list(); }
const Dict& Value::as_dict() const { return const_cast<Value*>(this)->as_dict(); }
const TensorData& Value::as_tensor() const { return const_cast<Value*>(this)->as_tensor(); }
const Record& Value::as_record() const { return const_cast<Value*>(this)->as_record(); }

const Value* Value::find(std::string_view key) const {
  if (is_record()) {
    const Value& state = as_record().state;
    return state.is_dict() ? state.find(key) : nullptr;
  }
  return as_dict().find(Value(key));
}

const Value& Value::at(std::string_view key) const {
  if (const Value* value = named(key, [&] { return find(key); })) return *value;
  throw Error(ErrorKind::kCheckpoint, "no such entry", {{}, 0, printable(key)});
}

const Value& Value::at(std::initializer_list<std::string_view> path) const {
  const Value* value = this;
  std::string so_far;
  for (const std::string_view key : path) {
    so_far += so_far.empty() ? std::string(key) : fmt::format("/{}", key);
    const Value* next = named(so_far, [&] { return value->find(key); });
    if (next == nullptr) {
      throw Error(ErrorKind::kCheckpoint, "no such entry", {{}, 0, printable(so_far)});
    }
    value = next;
  }
  return *value;
}

const Value& Value::at(std::size_t index) const {
  const List& items = as_list();
  if (index < items.size()) return items[index];
  refuse(fmt::format("no entry {} in a {} of {}", index, kind_name(), items.size()));
}

bool Value::bool_at(std::string_view key) const {
  return named(key, [&] { return at(key).as_bool(); });
}
std::int64_t Value::int_at(std::string_view key) const {
  return named(key, [&] { return at(key).as_int(); });
}
double Value::double_at(std::string_view key) const {
  return named(key, [&] { return at(key).as_double(); });
}
const std::string& Value::string_at(std::string_view key) const {
  return named(key, [&]() -> const std::string& { return at(key).as_string(); });
}
const TensorData& Value::tensor_at(std::string_view key) const {
  return named(key, [&]() -> const TensorData& { return at(key).as_tensor(); });
}
const Value::List& Value::list_at(std::string_view key) const {
  return named(key, [&]() -> const List& { return at(key).as_list(); });
}

void Value::set(Value key, Value value) { as_dict().set(std::move(key), std::move(value)); }

void Value::append(Value value) {
  if (kind() != Kind::kList) wrong_kind("a list", *this);
  as_list().push_back(std::move(value));
}

const void* Value::identity() const {
  switch (kind()) {
    case Kind::kList:
    case Kind::kTuple:
      return &as_list();
    case Kind::kDict:
      return &as_dict();
    case Kind::kTensor:
      return &as_tensor();
    case Kind::kRecord:
      return &as_record();
    default:
      return nullptr;
  }
}

std::size_t Dict::index_of(const Value& key) const {
  const std::string text = key_text(key);
  if (entries_.size() > kSmallDict) {
    const auto found = index_.find(text);
    return found == index_.end() ? kMissing : found->second;
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (key_text(entries_[i].first) == text) return i;
  }
  return kMissing;
}

const Value* Dict::find(const Value& key) const {
  const std::size_t index = index_of(key);
  return index == kMissing ? nullptr : &entries_[index].second;
}

void Dict::set(Value key, Value value) {
  const std::size_t index = index_of(key);
  if (index != kMissing) {
    entries_[index].second = std::move(value);
    return;
  }
  entries_.emplace_back(std::move(key), std::move(value));
  if (entries_.size() <= kSmallDict) return;
  // On growing past the limit every entry enters the index, afterwards only the new one.
  const std::size_t first = index_.empty() ? 0 : entries_.size() - 1;
  for (std::size_t i = first; i < entries_.size(); ++i) index_[key_text(entries_[i].first)] = i;
}

void Dict::clear() {
  entries_.clear();
  index_.clear();
}

}  // namespace gannet
