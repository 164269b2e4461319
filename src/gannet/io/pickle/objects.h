// Internal to the unpickler: makes the containers of a tree, bounds what a file can ask for, and
// frees cyclic or very deep leftovers without recursion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "gannet/io/value.h"

namespace gannet {

/// Every container made during one unpickling. The destructor empties all that are not part of
/// the accepted result, so that neither cycles leak nor long chains overflow the stack.
class PickleObjects {
 public:
  explicit PickleObjects(std::size_t pickle_size);
  PickleObjects(const PickleObjects&) = delete;
  PickleObjects& operator=(const PickleObjects&) = delete;
  ~PickleObjects();

  Value list(Value::List items = {});
  Value tuple(Value::List items);
  Value dict();
  Value instance(std::string module, std::string name, Value args);
  /// Checks the tensor's bounds; views that repeat elements may do so within a limit only.
  Value tensor(TensorData tensor);

  /// Counts items or bytes that a call copies; throws when the file copies out of proportion.
  void charge(std::size_t count);

  /// A numpy array whose content is still to come, and whether a value is one (asked once).
  Value pending_array();
  bool take_pending_array(const Value& value);

  /// Throws Error for cycles, deep nesting, sharing that unfolds without end, and references to
  /// code among the data; afterwards everything reachable from `root` survives.
  void accept(const Value& root);

 private:
  Value keep(Value value);

  std::vector<Value> made_;
  std::vector<Value> arrays_;  // kept, so that the addresses below stay theirs
  std::unordered_set<const void*> pending_arrays_;
  std::unordered_set<const void*> accepted_;
  std::size_t copies_left_;
  std::int64_t repeats_left_;
};

}  // namespace gannet
