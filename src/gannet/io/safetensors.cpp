#include "gannet/io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "gannet/core/error.h"
#include "gannet/io/byte_reader.h"
#include "gannet/io/torch_file.h"
#include "gannet/io/zip.h"

namespace gannet {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kLargestHeader = 100'000'000;  // the format's own limit
constexpr std::string_view kMetadata = "__metadata__";

struct TypeName {
  std::string_view name;
  DType dtype;
};

constexpr std::array<TypeName, 10> kTypeNames = {{
    {"F16", DType::kF16},
    {"BF16", DType::kBF16},
    {"F32", DType::kF32},
    {"F64", DType::kF64},
    {"I8", DType::kI8},
    {"U8", DType::kU8},
    {"I16", DType::kI16},
    {"I32", DType::kI32},
    {"I64", DType::kI64},
    {"BOOL", DType::kBool},
}};

DType type_from(const std::string& name) {
  for (const TypeName& entry : kTypeNames) {
    if (entry.name == name) return entry.dtype;
  }
  refuse(fmt::format("the type '{}' is not supported", printable(name)));
}

std::string_view type_name(DType dtype) {
  for (const TypeName& entry : kTypeNames) {
    if (entry.dtype == dtype) return entry.name;
  }
  return "?";
}

/// JSON no deeper than the format needs; nested text cannot exhaust the stack, names are unique.
Json parse_header(std::string_view text) {
  std::set<std::string> names;
  bool sound = true;
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    constexpr int kDeepest = 4;
    if (depth > kDeepest) sound = false;
    if (event == Json::parse_event_t::key && depth == 1) {
      sound = sound && names.insert(parsed.get<std::string>()).second;
    }
    return sound;
  };
  Json header = Json::parse(text, check, /*allow_exceptions=*/false);
  if (!sound || !header.is_object()) refuse("the header is not the JSON of a safetensors file");
  return header;
}

struct Range {
  std::uint64_t begin = 0, end = 0;
  std::string name;
};

std::uint64_t non_negative(const Json& number) {
  if (!number.is_number_unsigned()) refuse("a size or offset is not a whole number");
  const auto value = number.get<std::uint64_t>();
  if (value > (std::uint64_t{1} << 62)) refuse("a size or offset is too large");
  return value;
}

const Json& field(const Json& entry, const char* key) {
  if (!entry.is_object() || !entry.contains(key)) refuse(fmt::format("no '{}'", key));
  return entry[key];
}

TensorData read_entry(const Json& entry, const StoragePtr& file, std::string_view data,
                      Range& range) {
  const Json& offsets = field(entry, "data_offsets");
  const Json& shape = field(entry, "shape");
  const Json& dtype = field(entry, "dtype");
  if (!offsets.is_array() || offsets.size() != 2 || !shape.is_array() || !dtype.is_string()) {
    refuse("an entry is malformed");
  }
  range.begin = non_negative(offsets[0]);
  range.end = non_negative(offsets[1]);
  if (range.begin > range.end || range.end > data.size()) {
    refuse(fmt::format("bytes {} to {} of {}", range.begin, range.end, data.size()));
  }
  std::vector<std::int64_t> sizes;
  for (const Json& size : shape) sizes.push_back(static_cast<std::int64_t>(non_negative(size)));
  return contiguous_tensor(type_from(dtype.get<std::string>()), std::move(sizes),
                           make_storage(file, data.data() + range.begin,
                                        static_cast<std::size_t>(range.end - range.begin)));
}

/// The ranges must tile the data: nothing shared, nothing hidden between.
void check_ranges(const std::vector<Range>& ranges, std::size_t size) {
  std::uint64_t position = 0;
  for (const Range& range : ranges) {
    if (range.begin != position) {
      refuse(fmt::format("tensor '{}' begins at byte {} where {} is due", printable(range.name),
                         range.begin, position));
    }
    position = range.end;
  }
  if (position != size) refuse(fmt::format("{} bytes of data and {} in use", size, position));
}

Json header_of(const SafeTensors& content) {
  Json header = Json::object();
  if (!content.metadata.empty()) header[std::string(kMetadata)] = content.metadata;
  std::uint64_t position = 0;
  for (const auto& [name, tensor] : content.tensors) {
    if (!is_utf8(name)) refuse(fmt::format("the name '{}' is not UTF-8", printable(name)));
    if (header.contains(name) || name == kMetadata) {
      refuse(fmt::format("two tensors have the name '{}'", printable(name)));
    }
    const std::uint64_t end = position + tensor.num_bytes();
    header[name] = {{"dtype", type_name(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"data_offsets", {position, end}}};
    position = end;
  }
  return header;
}

}  // namespace

const TensorData* SafeTensors::find(std::string_view name) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  return found == tensors.end() ? nullptr : &found->second;
}

SafeTensors parse_safetensors(const StoragePtr& file) {
  ByteReader reader(as_text(*file), "the file");
  const std::uint64_t header_size = reader.u64();
  if (header_size > kLargestHeader) {
    refuse(fmt::format("not a safetensors file: its header claims {} bytes", header_size));
  }
  const Json header = parse_header(reader.take(header_size));
  const std::string_view data = reader.take(reader.remaining());

  SafeTensors content;
  std::vector<std::pair<Range, TensorData>> found;
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadata) {
      if (!entry.is_object()) refuse("the metadata are malformed");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) refuse("the metadata are malformed");
        content.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    Range range{0, 0, name};
    try {
      TensorData tensor = read_entry(entry, file, data, range);
      found.emplace_back(std::move(range), std::move(tensor));
    } catch (const Error& error) {
      throw Error(error.kind(), error.message(), {{}, 0, printable(name)}, error.advice());
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.begin, a.first.end) < std::pair(b.first.begin, b.first.end);
  });
  std::vector<Range> ranges;
  for (auto& [range, tensor] : found) {
    content.tensors.emplace_back(range.name, std::move(tensor));
    ranges.push_back(std::move(range));
  }
  check_ranges(ranges, data.size());
  return content;
}

SafeTensors load_safetensors(const std::filesystem::path& path) {
  const StoragePtr file = read_whole_file(path);
  try {
    return parse_safetensors(file);
  } catch (const Error& error) {
    throw Error(error.kind(), error.message(), {path.string(), 0, error.where().key},
                error.advice());
  }
}

void save_safetensors(const std::filesystem::path& path, const SafeTensors& content) {
  std::string header = header_of(content).dump();
  header.resize((header.size() + 7) / 8 * 8, ' ');
  write_file_atomically(path, [&](const WriteBytes& write) {
    std::string size;
    for (int i = 0; i < 8; ++i) size += static_cast<char>((header.size() >> (8 * i)) & 0xFF);
    write(size.data(), size.size());
    write(header.data(), header.size());
    for (const auto& [name, tensor] : content.tensors) {
      if (tensor.num_elements() == 0) continue;
      if (tensor.is_contiguous() && tensor.dtype != DType::kBool) {
        write(tensor.data(), tensor.num_bytes());
      } else {
        const std::vector<std::byte> bytes = tensor.contiguous_bytes();
        write(bytes.data(), bytes.size());
      }
    }
  });
}

}  // namespace gannet
