#include "gannet/io/torch_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/io/byte_reader.h"
#include "gannet/io/zip.h"

namespace gannet {
namespace {

constexpr std::string_view kZipStart = "PK\x03\x04";
constexpr std::size_t kLargestPickle = 256U << 20;

/// What a file that is no checkpoint looks like; empty where nothing is known.
std::string_view foreign_kind(std::string_view bytes) {
  constexpr std::pair<std::string_view, std::string_view> kStarts[] = {
      {"\xFF\xD8\xFF", "a JPEG picture"},
      {"\x89PNG", "a PNG picture"},
      {"<", "a web page or XML"},
      {"\x1F\x8B", "a gzip archive"},
      {"\x89HDF", "an HDF5 file"},
      {"version https://git-lfs", "a Git LFS pointer, not the file itself"},
      {"{", "JSON text"},
  };
  for (const auto& [start, kind] : kStarts) {
    if (bytes.starts_with(start)) return kind;
  }
  if (bytes.size() > 262 && bytes.substr(257, 5) == "ustar") return "a tar archive";
  if (bytes.size() > 8 && bytes[8] == '{') return "safetensors, or something like it";
  return is_utf8(bytes.substr(0, 4096)) ? "text" : "";
}

/// The folder that holds data.pkl.
std::string archive_root(const ZipReader& zip) {
  std::string root;
  for (const std::string& name : zip.names()) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos || name.substr(slash) != "/data.pkl") continue;
    if (!root.empty()) refuse("the archive has two checkpoints in it");
    root = name.substr(0, slash);
  }
  if (root.empty()) refuse("the archive has no data.pkl: not a file of torch.save");
  if (zip.contains(root + "/constants.pkl")) {
    refuse("this is a TorchScript program", "use the checkpoint that it was exported from");
  }
  return root;
}

/// Tells a checkpoint from a number that someone saved.
void check_top_level(const Value& value) {
  if (value.is_sequence() || value.is_dict() || value.is_tensor()) return;
  if (value.is_record() && !value.as_record().state.is_none()) return;
  refuse(fmt::format("not a checkpoint: it holds only one value of type {}", value.kind_name()));
}

Value parse_zip(const StoragePtr& file) {
  const ZipReader zip(file);
  const std::string root = archive_root(zip);
  if (zip.contains(root + "/byteorder")) {
    const StoragePtr order = zip.read(root + "/byteorder");
    if (as_text(*order) != "little") {
      refuse(fmt::format("its byte order is '{}'", printable(as_text(*order))),
             "save it again on a little-endian machine");
    }
  }
  std::unordered_map<std::string, StoragePtr> storages;
  const auto source = [&](const StorageId& id) {
    StoragePtr& storage = storages[id.key];
    if (!storage) storage = zip.read(fmt::format("{}/data/{}", root, id.key));
    const auto needed = static_cast<std::uint64_t>(id.num_elements) * item_size(id.dtype);
    if (needed != storage->size) {
      refuse(fmt::format("storage '{}' claims {} bytes and has {}", printable(id.key), needed,
                         storage->size));
    }
    return storage;
  };
  const StoragePtr content = zip.read(root + "/data.pkl");
  if (content->size > kLargestPickle) refuse("its data.pkl is larger than 256 MiB");
  return unpickle(as_text(*content), source);
}

/// Storages of the stream form, named by the pickle before their bytes are reached.
class LegacyStorages {
 public:
  StoragePtr declare(const StorageId& id) {
    const std::size_t item = item_size(id.dtype);
    const auto size = static_cast<std::uint64_t>(id.num_elements) * item;
    const auto [found, is_new] = storages_.try_emplace(id.key);
    Declared& declared = found->second;
    if (is_new) declared = {std::make_shared<StorageBytes>(StorageBytes{{}, nullptr, size}), item};
    if (declared.bytes->size != size) {
      refuse(fmt::format("storage '{}' has two different sizes", printable(id.key)));
    }
    return declared.bytes;
  }

  /// Reads the sections after the list of keys: a count, then that many elements.
  void fill(const Value& keys, const StoragePtr& file, std::size_t position) {
    ByteReader reader(as_text(*file).substr(position), "the file");
    for (const Value& key : keys.as_list()) {
      const std::string shown = printable(key.as_string());
      const auto found = storages_.find(key.as_string());
      if (found == storages_.end()) {
        refuse(fmt::format("storage '{}' is listed but not used", shown));
      }
      StorageBytes& bytes = *found->second.bytes;
      if (bytes.owner) refuse(fmt::format("storage '{}' is listed twice", shown));
      const std::uint64_t count = reader.u64();
      if (count != bytes.size / found->second.item) {
        refuse(fmt::format("storage '{}' has {} elements where its tensors need {}", shown,
                           static_cast<std::int64_t>(count), bytes.size / found->second.item));
      }
      bytes.data = reinterpret_cast<const std::byte*>(reader.take(bytes.size).data());
      bytes.owner = file;
    }
    for (const auto& [key, declared] : storages_) {
      if (!declared.bytes->owner) {
        refuse(fmt::format("storage '{}' is used but not in the file", printable(key)));
      }
    }
  }

 private:
  struct Declared {
    std::shared_ptr<StorageBytes> bytes;
    std::size_t item = 1;
  };
  std::map<std::string, Declared> storages_;
};

bool is_magic(const Value& value) {
  constexpr std::string_view kMagic = "1950a86a20f9469cfc6c";
  return value.is_record() && value.as_record().full_name() == "builtins.int" &&
         value.as_record().args.at(0).as_string() == kMagic;
}

/// Five pickles (magic number, protocol, system, content, storage keys), then the storages.
Value parse_legacy(const StoragePtr& file) {
  std::size_t position = 0;
  LegacyStorages storages;
  const auto next = [&](const StorageSource& source) {
    const std::string_view rest = as_text(*file).substr(position, kLargestPickle);
    std::size_t used = 0;
    Value value = unpickle(rest, source, &used);
    position += used;
    return value;
  };
  if (!is_magic(next({}))) refuse("it is a pickle, but not of torch.save");
  constexpr std::int64_t kProtocol = 1001;
  if (const std::int64_t protocol = next({}).as_int(); protocol != kProtocol) {
    refuse(fmt::format("its format has the unknown version {}", protocol));
  }
  const Value system = next({});
  if (const Value* little = system.find("little_endian"); little && !little->as_bool()) {
    refuse("its byte order is big-endian", "save it again on a little-endian machine");
  }
  Value value = next([&](const StorageId& id) { return storages.declare(id); });
  const Value keys = next({});
  storages.fill(keys, file, position);
  return value;
}

}  // namespace

StoragePtr read_whole_file(const std::filesystem::path& path) {
  const auto fail = [&](const char* why) {
    throw Error(ErrorKind::kIo, fmt::format("cannot read: {}", why), {path.string(), 0, {}});
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(std::strerror(errno));
  const std::shared_ptr<void> closer(nullptr, [descriptor](void*) { ::close(descriptor); });
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  std::shared_ptr<std::byte[]> bytes(new std::byte[size]);  // left uninitialised: filled below
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(descriptor, bytes.get() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(std::strerror(errno));
    if (got == 0) break;  // became shorter meanwhile
    done += static_cast<std::size_t>(got);
  }
  const std::byte* data = bytes.get();
  return make_storage(std::move(bytes), data, done);
}

Value parse_torch_file(const StoragePtr& file) {
  const std::string_view bytes = as_text(*file);
  const char* advice = "give a .pt file";
  if (bytes.empty()) refuse("the file is empty", advice);
  Value value;
  if (bytes.starts_with(kZipStart)) {
    value = parse_zip(file);
  } else if (bytes.front() == '\x80') {
    value = parse_legacy(file);
  } else {
    const std::string_view kind = foreign_kind(bytes);
    refuse(kind.empty() ? "not a checkpoint"
                        : fmt::format("not a checkpoint: this looks like {}", kind),
           advice);
  }
  check_top_level(value);
  return value;
}

Value load_torch_file(const std::filesystem::path& path) {
  const StoragePtr file = read_whole_file(path);
  try {
    return parse_torch_file(file);
  } catch (const Error& error) {
    throw Error(error.kind(), error.message(), {path.string(), 0, error.where().key},
                error.advice());
  }
}

void write_torch_file(const WriteBytes& write, const Value& value, PickleClasses classes) {
  // torch gives a storage one element type, so bytes seen as two types are written twice.
  std::map<std::pair<const StorageBytes*, DType>, std::string> keys;
  std::vector<std::pair<StoragePtr, std::size_t>> storages;
  const auto storage_key = [&](const StoragePtr& storage, DType dtype) {
    const auto [found, is_new] =
        keys.try_emplace({storage.get(), dtype}, std::to_string(storages.size()));
    if (is_new) {
      storages.emplace_back(storage, storage->size / item_size(dtype) * item_size(dtype));
    }
    return found->second;
  };
  const std::string content = pickle(value, storage_key, classes);
  ZipWriter zip(write);
  zip.add("archive/data.pkl", content);
  zip.add("archive/byteorder", "little");
  for (std::size_t i = 0; i < storages.size(); ++i) {
    const auto& [storage, size] = storages[i];
    zip.add(fmt::format("archive/data/{}", i), storage->data, size);
  }
  zip.add("archive/version", "3\n");
  zip.finish();
}

void save_torch_file(const std::filesystem::path& path, const Value& value, PickleClasses classes) {
  write_file_atomically(path,
                        [&](const WriteBytes& write) { write_torch_file(write, value, classes); });
}

}  // namespace gannet
