#include "gannet/io/pickle/objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "gannet/io/byte_reader.h"
#include "gannet/io/pickle/calls.h"

namespace gannet {
namespace {

constexpr std::size_t kMostObjects = 4U << 20;
constexpr std::int64_t kMostRepeatedElements = 1 << 26;  // over all views with more than they store
constexpr int kDeepest = 500;
constexpr std::uint64_t kMostUnfolded = 50'000'000;  // nodes when shared parts count at each place

bool is_container(const Value& value) {
  return value.is_sequence() || value.is_dict() || value.is_record();
}

std::size_t num_children(const Value& value) {
  if (value.is_sequence()) return value.as_list().size();
  if (value.is_dict()) return 2 * value.as_dict().size();
  return value.is_record() ? 3 : 0;
}

const Value& child(const Value& value, std::size_t index) {
  if (value.is_sequence()) return value.as_list()[index];
  if (value.is_dict()) {
    const Dict::Entry& entry = value.as_dict().begin()[static_cast<std::ptrdiff_t>(index / 2)];
    return index % 2 == 0 ? entry.first : entry.second;
  }
  const Record& record = value.as_record();
  return index == 0 ? record.args : index == 1 ? record.state : record.entries;
}

void empty(Value& value) {
  if (value.is_sequence()) {
    value.as_list().clear();
  } else if (value.is_dict()) {
    value.as_dict().clear();
  } else {
    Record& record = value.as_record();
    record.args = record.state = record.entries = Value();
  }
}

/// What is known of a container: open while its children are being looked at.
struct Seen {
  bool open = true;
  int depth = 1;
  std::uint64_t nodes = 1;
};

/// Depth-first walk with its own stack, each container once.
class TreeCheck {
 public:
  void run(const Value& root) {
    enter(root);
    while (!path_.empty()) {
      Step& step = path_.back();
      if (step.next == num_children(*step.value)) {
        leave();
      } else {
        enter(child(*step.value, step.next++));
      }
    }
  }
  const std::unordered_map<const void*, Seen>& seen() const { return seen_; }

 private:
  struct Step {
    const Value* value;
    std::size_t next;
  };

  void enter(const Value& value) {
    if (value.is_record() && value.as_record().form == Record::Form::kReference) {
      check_reference(value.as_record());
    }
    if (!is_container(value)) return add_to_parent({false, 1, 1});
    const auto [found, is_new] = seen_.emplace(value.identity(), Seen{});
    if (is_new) {
      if (path_.size() >= kDeepest) refuse("the content nests too deeply");
      path_.push_back({&value, 0});
    } else if (found->second.open) {
      refuse("the content contains itself");
    } else {
      add_to_parent(found->second);
    }
  }

  void leave() {
    Seen& info = seen_.at(path_.back().value->identity());
    info.open = false;
    path_.pop_back();
    add_to_parent(info);
  }

  void add_to_parent(const Seen& part) {
    if (path_.empty()) return;
    Seen& parent = seen_.at(path_.back().value->identity());
    parent.depth = std::max(parent.depth, part.depth + 1);
    parent.nodes += part.nodes;
    if (parent.depth > kDeepest) refuse("the content nests too deeply");
    if (parent.nodes > kMostUnfolded) refuse("the content repeats itself too often");
  }

  std::unordered_map<const void*, Seen> seen_;
  std::vector<Step> path_;
};

}  // namespace

PickleObjects::PickleObjects(std::size_t pickle_size)
    : copies_left_(4 * pickle_size + 1024), repeats_left_(kMostRepeatedElements) {}

PickleObjects::~PickleObjects() {
  // While `made_` holds every container, emptying one never destroys another.
  for (Value& value : made_) {
    if (!accepted_.contains(value.identity())) empty(value);
  }
}

Value PickleObjects::keep(Value value) {
  if (made_.size() >= kMostObjects) refuse("the content has too many objects");
  made_.push_back(value);
  return value;
}

Value PickleObjects::list(Value::List items) { return keep(Value::list(std::move(items))); }
Value PickleObjects::tuple(Value::List items) { return keep(Value::tuple(std::move(items))); }
Value PickleObjects::dict() { return keep(Value::dict()); }

Value PickleObjects::instance(std::string module, std::string name, Value args) {
  return keep(Value(Record{
      std::move(module), std::move(name), Record::Form::kInstance, std::move(args), {}, {}}));
}

Value PickleObjects::tensor(TensorData tensor) {
  tensor.validate();
  const std::int64_t count = tensor.num_elements();
  if (count > static_cast<std::int64_t>(tensor.storage->size / item_size(tensor.dtype))) {
    if (count > repeats_left_) {
      refuse(fmt::format("a view repeats a few stored elements {} times", count));
    }
    repeats_left_ -= count;
  }
  return Value(std::move(tensor));
}

void PickleObjects::charge(std::size_t count) {
  if (count > copies_left_) refuse("the content is copied out of proportion to the file");
  copies_left_ -= count;
}

Value PickleObjects::pending_array() {
  Value array = tensor(TensorData{DType::kU8, {0}, {1}, 0, make_storage(std::string())});
  pending_arrays_.insert(array.identity());
  arrays_.push_back(array);
  return array;
}

bool PickleObjects::take_pending_array(const Value& value) {
  return pending_arrays_.erase(value.identity()) > 0;
}

void PickleObjects::accept(const Value& root) {
  if (!pending_arrays_.empty()) refuse("a numpy array has no content");
  TreeCheck check;
  check.run(root);
  for (const auto& [identity, info] : check.seen()) accepted_.insert(identity);
}

}  // namespace gannet
