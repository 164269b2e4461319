#include "gannet/data/index/label_cache.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <type_traits>

#include "gannet/core/atomic_file.h"
#include "gannet/core/hash.h"
#include "gannet/core/log.h"
#include "gannet/data/cache/cache_folder.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

// Raise the version when parsing or this layout changes.
constexpr std::string_view kMagic = "gannet labels 3\n";

std::uint64_t checksum_of(std::string_view bytes) { return checksum64(bytes.data(), bytes.size()); }

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
  template <class T>
  void list(const std::vector<T>& list) {
    static_assert(std::is_trivially_copyable_v<T>);
    value(std::uint64_t{list.size()});
    bytes_.append(reinterpret_cast<const char*>(list.data()), list.size() * sizeof(T));
  }
  void texts(const std::vector<std::string>& list) {
    value(std::uint64_t{list.size()});
    for (const std::string& entry : list) text(entry);
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
  template <class T>
  std::vector<T> list() {
    std::vector<T> list(length(sizeof(T)));
    const std::string_view bytes = take(list.size() * sizeof(T));
    if (!list.empty()) std::memcpy(list.data(), bytes.data(), bytes.size());
    return list;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> list(length(sizeof(std::uint64_t)));
    for (std::string& entry : list) entry = text();
    return list;
  }
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

void write_labels(Writer& writer, const ParsedLabels& parsed) {
  writer.list(parsed.labels);
  writer.value(std::uint64_t{parsed.polygons.size()});
  for (const Polygon& polygon : parsed.polygons) writer.list(polygon);
  writer.list(parsed.difficult);
  writer.list(parsed.crowd);
  writer.texts(parsed.problems);
  writer.value(parsed.duplicate_rows);
  writer.value(parsed.highest_class);
  writer.value(parsed.highest_class_line);
  writer.text(parsed.unknown_class);
  writer.text(parsed.unknown_class_path);
  writer.value(parsed.unknown_class_line);
  writer.value(parsed.image_id);
  writer.value(parsed.listed);
}

ParsedLabels read_labels(Reader& reader) {
  ParsedLabels parsed;
  parsed.labels = reader.list<Label>();
  parsed.polygons.resize(reader.length(sizeof(std::uint64_t)));
  for (Polygon& polygon : parsed.polygons) polygon = reader.list<Polygon::value_type>();
  parsed.difficult = reader.list<std::uint8_t>();
  parsed.crowd = reader.list<Label>();
  parsed.problems = reader.texts();
  parsed.duplicate_rows = reader.value<std::int64_t>();
  parsed.highest_class = reader.value<int>();
  parsed.highest_class_line = reader.value<int>();
  parsed.unknown_class = reader.text();
  parsed.unknown_class_path = reader.text();
  parsed.unknown_class_line = reader.value<int>();
  parsed.image_id = reader.value<std::int64_t>();
  parsed.listed = reader.value<bool>();
  return parsed;
}

void write_image(Writer& writer, const ScannedImage& image) {
  writer.value(image.image_stamp);
  writer.value(image.label_stamp);
  writer.value(image.width);
  writer.value(image.height);
  writer.text(image.image_problem);
  write_labels(writer, image.parsed);
}

ScannedImage read_image(Reader& reader) {
  ScannedImage image;
  image.image_stamp = reader.value<FileStamp>();
  image.label_stamp = reader.value<FileStamp>();
  image.width = reader.value<int>();
  image.height = reader.value<int>();
  image.image_problem = reader.text();
  image.parsed = read_labels(reader);
  return image;
}

void write_scan(Writer& writer, const LabelScan& scan) {
  writer.text(scan.source);
  writer.value(scan.start_ns);
  writer.list(scan.summary.category_ids);
  writer.texts(scan.summary.names);
  writer.texts(scan.summary.problems);
  writer.value(scan.summary.num_absent);
  writer.texts(scan.paths);
  for (const ScannedImage& image : scan.images) write_image(writer, image);
}

LabelScan read_scan(Reader reader) {
  LabelScan scan;
  scan.source = reader.text();
  scan.start_ns = reader.value<std::int64_t>();
  scan.summary.category_ids = reader.list<std::int64_t>();
  scan.summary.names = reader.texts();
  scan.summary.problems = reader.texts();
  scan.summary.num_absent = reader.value<std::int64_t>();
  scan.paths = reader.texts();
  scan.images.reserve(scan.paths.size());
  for (std::size_t i = 0; i < scan.paths.size(); ++i) scan.images.push_back(read_image(reader));
  return scan;
}

}  // namespace

LabelCache::LabelCache(const AnnotationRequest& request) {
  const fs::path folder = user_cache_folder();
  if (folder.empty()) return;
  Writer key;
  std::error_code ignored;
  std::vector<std::string> places = request.sources;
  places.push_back(request.annotations);
  for (const std::string& place : places) {
    key.text(place.empty() ? place : fs::absolute(place, ignored).lexically_normal().string());
    key.text(place);
  }
  key.texts(request.names);
  key.value(request.single_class);
  path_ = (folder / fmt::format("labels-{:016x}.bin", fnv1a64(key.bytes()))).string();
}

LabelScan LabelCache::load() const {
  std::error_code ignored;
  if (path_.empty() || !fs::is_regular_file(path_, ignored)) return {};
  try {
    const std::string file = read_file(path_);
    const std::string_view bytes = file;
    const std::size_t head = kMagic.size() + sizeof(std::uint64_t);
    if (bytes.size() < head || !bytes.starts_with(kMagic)) return {};
    const auto checksum = Reader(bytes.substr(kMagic.size())).value<std::uint64_t>();
    if (checksum != checksum_of(bytes.substr(head))) return {};
    return read_scan(Reader(bytes.substr(head)));
  } catch (const std::exception& error) {
    log_debug("label cache {} not used: {}", path_, error.what());
    return {};
  }
}

void LabelCache::save(const LabelScan& scan) const {
  if (path_.empty()) return;
  try {
    Writer content;
    write_scan(content, scan);
    fs::create_directories(fs::path(path_).parent_path());
    write_file_atomically(path_, [&](const WriteBytes& write) {
      const std::uint64_t checksum = checksum_of(content.bytes());
      write(kMagic.data(), kMagic.size());
      write(&checksum, sizeof checksum);
      write(content.bytes().data(), content.bytes().size());
    });
  } catch (const std::exception& error) {
    log_debug("label cache {} not written: {}", path_, error.what());
  }
}

}  // namespace gannet
