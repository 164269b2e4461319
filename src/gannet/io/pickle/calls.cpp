#include "gannet/io/pickle/calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "gannet/io/byte_reader.h"
#include "gannet/io/pickle/numpy.h"

namespace gannet {
namespace {

using List = Value::List;
using Helper = Value (*)(const List& args, PickleObjects& objects);

const Value& argument(const List& args, std::size_t index) {
  if (index < args.size()) return args[index];
  refuse("a helper in the file lacks an argument");
}

std::vector<std::int64_t> sizes(const Value& value, PickleObjects& objects) {
  objects.charge(value.as_list().size());
  std::vector<std::int64_t> result;
  for (const Value& item : value.as_list()) result.push_back(item.as_int());
  return result;
}

/// torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, ...).
Value rebuild_tensor(const List& args, PickleObjects& objects) {
  const TensorData& storage = argument(args, 0).as_tensor();
  return objects.tensor(TensorData{storage.dtype, sizes(argument(args, 2), objects),
                                   sizes(argument(args, 3), objects), argument(args, 1).as_int(),
                                   storage.storage});
}

/// torch._utils._rebuild_parameter(data, requires_grad, hooks) and torch.nn.Parameter(data, ...).
Value rebuild_parameter(const List& args, PickleObjects&) {
  argument(args, 0).as_tensor();
  return args[0];
}

/// OrderedDict() or OrderedDict([[key, value], ...]).
Value ordered_dict(const List& args, PickleObjects& objects) {
  Value result = objects.dict();
  if (args.empty()) return result;
  if (args[0].is_dict()) {
    objects.charge(2 * args[0].as_dict().size());
    for (const auto& [key, value] : args[0].as_dict()) result.set(key, value);
    return result;
  }
  objects.charge(args[0].as_list().size());
  for (const Value& pair : args[0].as_list()) result.set(pair.at(0), pair.at(1));
  return result;
}

Value default_dict(const List&, PickleObjects& objects) { return objects.dict(); }

List copied_items(const List& args, PickleObjects& objects) {
  if (args.empty()) return {};
  objects.charge(args[0].as_list().size());
  return args[0].as_list();
}

Value make_list(const List& args, PickleObjects& objects) {
  return objects.list(copied_items(args, objects));
}

Value make_tuple(const List& args, PickleObjects& objects) {
  return objects.tuple(copied_items(args, objects));
}

/// torch.device("cuda", 1) -> "cuda:1".
Value device(const List& args, PickleObjects& objects) {
  const std::string& type = argument(args, 0).as_string();
  objects.charge(type.size());
  return args.size() < 2 ? args[0] : Value(fmt::format("{}:{}", type, args[1].as_int()));
}

Value text_itself(const List& args, PickleObjects&) {
  argument(args, 0).as_string();
  return args[0];
}

/// pathlib.PosixPath("a", "b") -> "a/b".
Value path(const List& args, PickleObjects& objects) {
  std::string joined;
  for (const Value& part : args) {
    objects.charge(part.as_string().size());
    if (!joined.empty() && joined.back() != '/') joined += '/';
    joined += part.as_string();
  }
  return joined;
}

/// _codecs.encode(text, "latin1"): how protocol 2 carries bytes.
Value encode(const List& args, PickleObjects& objects) {
  const std::string& text = argument(args, 0).as_string();
  objects.charge(text.size());
  if (args.size() > 1 && args[1].as_string() != "latin1" && args[1].as_string() != "latin-1") {
    refuse(fmt::format("bytes in the encoding '{}'", printable(args[1].as_string())));
  }
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x80) {
      if (byte > 0xC3) refuse("bytes that are not Latin-1");
      const auto next = static_cast<unsigned char>(text.at(++i));
      byte = static_cast<unsigned char>((byte & 0x03U) << 6U | (next & 0x3FU));
    }
    bytes += static_cast<char>(byte);
  }
  return Value::bytes(std::move(bytes));
}

/// copyreg._reconstructor(cls, object, None): how protocols 0 and 1 make an instance.
Value reconstructor(const List& args, PickleObjects& objects) {
  const Record& base = argument(args, 1).as_record();
  if (base.name != "object" || !argument(args, 2).is_none()) {
    refuse(fmt::format("an instance on top of {}", printable(base.full_name())));
  }
  return new_instance(args[0], objects.tuple({}), objects);
}

struct NamedHelper {
  std::string_view name;
  Helper helper;
};

/// Full names; `__builtin__`, `copy_reg` and `numpy._core` are other names of their modules.
constexpr std::array kHelpers = {
    NamedHelper{"torch._utils._rebuild_tensor", rebuild_tensor},
    NamedHelper{"torch._utils._rebuild_tensor_v2", rebuild_tensor},
    NamedHelper{"torch._utils._rebuild_parameter", rebuild_parameter},
    NamedHelper{"torch._utils._rebuild_parameter_with_state", rebuild_parameter},
    NamedHelper{"torch.nn.parameter.Parameter", rebuild_parameter},
    NamedHelper{"torch.nn.Parameter", rebuild_parameter},
    NamedHelper{"torch.Size", make_tuple},
    NamedHelper{"torch.device", device},
    NamedHelper{"torch.serialization._get_layout", text_itself},
    NamedHelper{"collections.OrderedDict", ordered_dict},
    NamedHelper{"collections.Counter", ordered_dict},
    NamedHelper{"collections.defaultdict", default_dict},
    NamedHelper{"collections.deque", make_list},
    NamedHelper{"builtins.set", make_list},
    NamedHelper{"builtins.frozenset", make_list},
    NamedHelper{"builtins.list", make_list},
    NamedHelper{"builtins.tuple", make_tuple},
    NamedHelper{"builtins.dict", ordered_dict},
    NamedHelper{"pathlib.PosixPath", path},
    NamedHelper{"pathlib.WindowsPath", path},
    NamedHelper{"pathlib.PurePosixPath", path},
    NamedHelper{"_codecs.encode", encode},
    NamedHelper{"copyreg._reconstructor", reconstructor},
    NamedHelper{"numpy.core.multiarray._reconstruct", numpy_reconstruct},
    NamedHelper{"numpy.core.multiarray.scalar", numpy_scalar},
    NamedHelper{"numpy.core.numeric._frombuffer", numpy_from_buffer},
    NamedHelper{"numpy.dtype", numpy_dtype},
};

/// Modules whose instances may have constructor arguments, and whose names may be data.
constexpr std::array<std::string_view, 11> kModelModules = {
    "torch",  "torchvision", "numpy",       "models",   "utils",   "ultralytics",
    "yolov5", "__main__",    "collections", "datetime", "argparse"};

/// Modules that act on the system or the interpreter. An instance would be inert here too, but a
/// file that names them is an attack, and is better called one.
constexpr std::array<std::string_view, 24> kSystemModules = {"os",
                                                             "posix",
                                                             "nt",
                                                             "sys",
                                                             "subprocess",
                                                             "builtins",
                                                             "shutil",
                                                             "socket",
                                                             "importlib",
                                                             "runpy",
                                                             "code",
                                                             "pty",
                                                             "pdb",
                                                             "pickle",
                                                             "_pickle",
                                                             "ctypes",
                                                             "multiprocessing",
                                                             "threading",
                                                             "asyncio",
                                                             "commands",
                                                             "webbrowser",
                                                             "operator",
                                                             "functools",
                                                             "types"};

template <std::size_t N>
bool contains_root(const std::array<std::string_view, N>& roots, std::string_view module) {
  return std::find(roots.begin(), roots.end(), module.substr(0, module.find('.'))) != roots.end();
}

/// The name with today's module where Python 2 or a numpy version has another.
std::string canonical_name(const Record& record) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kOldModules = {
      {{"__builtin__", "builtins"}, {"copy_reg", "copyreg"}, {"numpy._core", "numpy.core"}}};
  std::string name = record.full_name();
  for (const auto& [from, to] : kOldModules) {
    if (name.starts_with(from) && name.size() > from.size() && name[from.size()] == '.') {
      return std::string(to) + name.substr(from.size());
    }
  }
  return name;
}

Helper find_helper(std::string_view name) {
  for (const NamedHelper& entry : kHelpers) {
    if (entry.name == name) return entry.helper;
  }
  return nullptr;
}

[[noreturn]] void refuse_call(const Record& callable) {
  refuse(fmt::format("loading it would run code ('{}'): refused", printable(callable.full_name())),
         "use weights from a source that you trust, saved as a state dictionary");
}

const Record& as_callable(const Value& value) {
  if (!value.is_record() || value.as_record().form != Record::Form::kReference) {
    refuse(fmt::format("the file calls a value of type {}", value.kind_name()));
  }
  return value.as_record();
}

/// Attributes such as __class__ would change what an object is.
void check_attributes(const Value& state) {
  if (!state.is_dict()) return;
  for (const auto& [key, value] : state.as_dict()) {
    if (!key.is_string()) refuse("an attribute whose name is no string");
    const std::string& name = key.as_string();
    if (name.starts_with("__") && name.ends_with("__")) {
      refuse(fmt::format("it sets the special attribute '{}': refused", printable(name)));
    }
  }
}

void build_record(Record& record, const Value& state) {
  if (record.form == Record::Form::kReference) refuse("the file sets attributes of a class");
  if (!record.state.is_none()) refuse("an instance gets its state twice");
  if (state.kind() == Value::Kind::kTuple) {
    for (const Value& part : state.as_list()) check_attributes(part);
  }
  check_attributes(state);
  record.state = state;
}

}  // namespace

Value make_reference(std::string_view module, std::string_view name) {
  constexpr std::size_t kLongest = 256;
  if (module.size() > kLongest || name.size() > kLongest) refuse("a class name is too long");
  return Record{std::string(module), std::string(name), Record::Form::kReference, {}, {}, {}};
}

Value call_helper(const Value& callable, const Value& args, PickleObjects& objects) {
  const Record& record = as_callable(callable);
  const Helper helper = find_helper(canonical_name(record));
  if (helper == nullptr) refuse_call(record);
  return helper(args.as_list(), objects);
}

Value new_instance(const Value& callable, const Value& args, PickleObjects& objects) {
  const Record& record = as_callable(callable);
  const std::string name = canonical_name(record);
  if (const Helper helper = find_helper(name)) return helper(args.as_list(), objects);
  const bool known = contains_root(kModelModules, name);
  if (contains_root(kSystemModules, name) || (!known && !args.as_list().empty())) {
    refuse_call(record);
  }
  return objects.instance(record.module, record.name, args);
}

void build(Value& object, const Value& state, PickleObjects& objects) {
  if (object.is_dict()) return check_attributes(state);
  if (object.is_tensor() && objects.take_pending_array(object)) {
    return numpy_set_state(object.as_tensor(), state, objects);
  }
  if (!object.is_record())
    refuse(fmt::format("the file gives a state to a value of type {}", object.kind_name()));
  build_record(object.as_record(), state);
}

void check_reference(const Record& reference) {
  const std::string name = canonical_name(reference);
  if (contains_root(kModelModules, name)) return;
  constexpr std::array<std::string_view, 10> kTypes = {
      "builtins.object", "builtins.int",  "builtins.float", "builtins.str", "builtins.bool",
      "builtins.list",   "builtins.dict", "builtins.tuple", "builtins.set", "builtins.bytes"};
  if (std::find(kTypes.begin(), kTypes.end(), name) != kTypes.end()) return;
  refuse(fmt::format("it holds a reference to code ('{}'): refused", printable(name)));
}

}  // namespace gannet
