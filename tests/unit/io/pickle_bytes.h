// Pieces of hand-written pickles and files for the tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gannet/core/error.h"
#include "gannet/io/torch_file.h"
#include "gannet/io/zip.h"

namespace gannet::testing {

/// A literal with its zero bytes.
template <std::size_t N>
std::string raw(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

inline std::string number(std::uint64_t value, int bytes) {
  std::string result;
  for (int i = 0; i < bytes; ++i) result += static_cast<char>((value >> (8 * i)) & 0xFF);
  return result;
}

inline std::string text(const std::string& content) {
  return "X" + number(content.size(), 4) + content;
}

inline std::string integer(std::int64_t value) {
  return raw("\x8a\x08") + number(static_cast<std::uint64_t>(value), 8);
}

inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

inline std::string tuple(const std::string& items) { return "(" + items + "t"; }

inline std::string persistent(const std::string& type, const std::string& key,
                              std::int64_t num_elements, bool legacy = false) {
  return tuple(text("storage") + global("torch", type) + text(key) + text("cpu") +
               integer(num_elements) + (legacy ? "N" : "")) +
         "Q";
}

struct TensorSpec {
  std::string type = "FloatStorage";
  std::string key = "0";
  std::int64_t num_elements = 4;
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape = {4};
  std::vector<std::int64_t> strides = {1};
  bool legacy = false;
};

inline std::string tensor(const TensorSpec& spec) {
  const auto sizes = [](const std::vector<std::int64_t>& values) {
    std::string items;
    for (const std::int64_t value : values) items += integer(value);
    return tuple(items);
  };
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple(persistent(spec.type, spec.key, spec.num_elements, spec.legacy) +
               integer(spec.offset) + sizes(spec.shape) + sizes(spec.strides) + "\x89" +
               global("collections", "OrderedDict") + ")R") +
         "R";
}

/// Protocol 2 around these opcodes.
inline std::string program(const std::string& opcodes) { return raw("\x80\x02") + opcodes + "."; }

/// A dict with the one entry "w".
inline std::string dict_of(const std::string& value) { return "}" + text("w") + value + "s"; }

using Entries = std::vector<std::pair<std::string, std::string>>;

inline std::string zip_of(const Entries& entries) {
  std::string file;
  ZipWriter zip([&](const void* data, std::size_t size) {
    file.append(static_cast<const char*>(data), size);
  });
  for (const auto& [name, content] : entries) zip.add(name, content);
  zip.finish();
  return file;
}

/// Four floats 1 2 3 4.
inline std::string four_floats() { return raw("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40"); }

/// A zip checkpoint with this pickle and one storage of four floats.
inline std::string checkpoint(const std::string& pickle_bytes) {
  return zip_of({{"archive/data.pkl", pickle_bytes}, {"archive/data/0", four_floats()}});
}

/// The error that parsing the file gives; empty when it is accepted.
inline std::string error_of(const std::string& file) {
  try {
    parse_torch_file(make_storage(file));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint) << error.what();
    return error.what();
  }
  return {};
}

/// The same for opcodes inside a sound archive.
inline std::string opcodes_error(const std::string& opcodes) {
  return error_of(checkpoint(program(opcodes)));
}

}  // namespace gannet::testing
