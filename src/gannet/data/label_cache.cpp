#include "gannet/data/label_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <type_traits>

#include "gannet/core/atomic_file.h"
#include "gannet/core/log.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

// Raise the version when parsing or this layout changes.
constexpr std::string_view kMagic = "gannet labels 1\n";

std::uint64_t fnv1a64(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

fs::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    return fs::path(cache) / "gannet";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return fs::path(home) / ".cache" / "gannet";
  }
  return {};
}

class Writer {
 public:
  template <class T>
  void value(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(const std::string& text) {
    value(std::uint64_t{text.size()});
    bytes_ += text;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Throws std::out_of_range past the end.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T value() {
    static_assert(std::is_trivially_copyable_v<T>);
    T result;
    std::memcpy(&result, take(sizeof result).data(), sizeof result);
    return result;
  }
  std::string text() { return std::string(take(value<std::uint64_t>())); }
  /// Length of a list whose entries take at least `entry_size` bytes each.
  std::size_t length(std::size_t entry_size) {
    const auto length = value<std::uint64_t>();
    if (length > bytes_.size() / entry_size) throw std::out_of_range("label cache");
    return length;
  }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) throw std::out_of_range("label cache");
    const std::string_view result = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return result;
  }
  std::string_view bytes_;
};

void write_image(Writer& writer, const std::string& path, const ScannedImage& image) {
  writer.text(path);
  writer.value(image.image_stamp);
  writer.value(image.label_stamp);
  writer.value(image.width);
  writer.value(image.height);
  writer.text(image.image_problem);
  writer.value(image.parsed.duplicate_rows);
  writer.value(image.parsed.highest_class);
  writer.value(image.parsed.highest_class_line);
  writer.value(std::uint64_t{image.parsed.labels.size()});
  for (const Label& label : image.parsed.labels) writer.value(label);
  writer.value(std::uint64_t{image.parsed.problems.size()});
  for (const std::string& problem : image.parsed.problems) writer.text(problem);
}

ScannedImage read_image(Reader& reader) {
  ScannedImage image;
  image.image_stamp = reader.value<FileStamp>();
  image.label_stamp = reader.value<FileStamp>();
  image.width = reader.value<int>();
  image.height = reader.value<int>();
  image.image_problem = reader.text();
  image.parsed.duplicate_rows = reader.value<std::int64_t>();
  image.parsed.highest_class = reader.value<int>();
  image.parsed.highest_class_line = reader.value<int>();
  image.parsed.labels.resize(reader.length(sizeof(Label)));
  for (Label& label : image.parsed.labels) label = reader.value<Label>();
  image.parsed.problems.resize(reader.length(sizeof(std::uint64_t)));
  for (std::string& problem : image.parsed.problems) problem = reader.text();
  return image;
}

}  // namespace

FileStamp file_stamp(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  return {status.st_size, status.st_mtim.tv_sec * kNanosecondsPerSecond + status.st_mtim.tv_nsec};
}

LabelCache::LabelCache(const std::vector<std::string>& sources) {
  const fs::path folder = cache_folder();
  if (folder.empty()) return;
  std::string key;
  std::error_code ignored;
  for (const std::string& source : sources) {
    key += fs::absolute(source, ignored).lexically_normal().string() + '\n' + source + '\n';
  }
  path_ = (folder / fmt::format("labels-{:016x}.bin", fnv1a64(key))).string();
}

ScanResults LabelCache::load() const {
  std::error_code ignored;
  if (path_.empty() || !fs::is_regular_file(path_, ignored)) return {};
  ScanResults results;
  try {
    const std::string file = read_file(path_);
    const std::string_view bytes = file;
    const std::size_t head = kMagic.size() + sizeof(std::uint64_t);
    if (bytes.size() < head || !bytes.starts_with(kMagic)) return {};
    const auto checksum = Reader(bytes.substr(kMagic.size())).value<std::uint64_t>();
    if (checksum != fnv1a64(bytes.substr(head))) return {};
    Reader reader(bytes.substr(head));
    for (auto left = reader.value<std::uint64_t>(); left > 0; --left) {
      std::string path = reader.text();
      results.insert_or_assign(std::move(path), read_image(reader));
    }
  } catch (const std::exception& error) {
    log_debug("label cache {} not used: {}", path_, error.what());
    return {};
  }
  return results;
}

void LabelCache::save(const std::vector<std::string>& paths,
                      const std::vector<ScannedImage>& images) const {
  if (path_.empty()) return;
  try {
    Writer content;
    content.value(std::uint64_t{paths.size()});
    for (std::size_t i = 0; i < paths.size(); ++i) write_image(content, paths[i], images[i]);
    fs::create_directories(fs::path(path_).parent_path());
    write_file_atomically(path_, [&](const WriteBytes& write) {
      const std::uint64_t checksum = fnv1a64(content.bytes());
      write(kMagic.data(), kMagic.size());
      write(&checksum, sizeof checksum);
      write(content.bytes().data(), content.bytes().size());
    });
  } catch (const std::exception& error) {
    log_debug("label cache {} not written: {}", path_, error.what());
  }
}

}  // namespace gannet
