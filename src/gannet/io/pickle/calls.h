// Internal to the unpickler: the closed list of Python helpers that only carry data, and what they
// mean. Nothing outside this list is ever "called".
#pragma once

#include "gannet/io/pickle/objects.h"
#include "gannet/io/value.h"

namespace gannet {

/// A name found in the file, as an inert reference.
Value make_reference(std::string_view module, std::string_view name);

/// REDUCE: the data that a known helper gives for these arguments.
/// Throws Error ("would run code") for every other callable.
Value call_helper(const Value& callable, const Value& args, PickleObjects& objects);

/// NEWOBJ: a helper's data, else an inert Record. Throws Error for modules of the interpreter that
/// act on the system, and for constructor arguments of unknown classes.
Value new_instance(const Value& callable, const Value& args, PickleObjects& objects);

/// BUILD: gives an instance its state, a numpy array its content; an OrderedDict's attributes are
/// dropped. Throws Error for anything else.
void build(Value& object, const Value& state, PickleObjects& objects);

/// Throws Error unless this name may stand among the data: a type or constant of torch, numpy or
/// a model's own modules.
void check_reference(const Record& reference);

}  // namespace gannet
