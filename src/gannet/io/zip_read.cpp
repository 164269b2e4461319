#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <utility>

#include "gannet/io/byte_reader.h"
#include "gannet/io/zip.h"

namespace gannet {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034B50;
constexpr std::uint32_t kCentralHeader = 0x02014B50;
constexpr std::uint32_t kEndRecord = 0x06054B50;
constexpr std::uint32_t kZip64EndRecord = 0x06064B50;
constexpr std::uint32_t kZip64Locator = 0x07064B50;
constexpr std::size_t kEndRecordSize = 22;
constexpr std::size_t kLocatorSize = 20;
constexpr std::uint64_t kMax32 = 0xFFFFFFFF;
constexpr std::uint16_t kMax16 = 0xFFFF;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint64_t kLargestRatio = 100;  // inflated bytes allowed per byte of the file

void check_name(std::string_view name) {
  bool bad = name.empty() || name.size() > 1024 || name.front() == '/' ||
             name.find('\\') != std::string_view::npos || name.find('\0') != std::string_view::npos;
  for (std::size_t begin = 0; begin <= name.size() && !bad;) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    bad = name.substr(begin, end - begin) == "..";
    begin = end + 1;
  }
  if (bad) refuse(fmt::format("the archive has an entry with the name '{}'", printable(name)));
}

/// What a central header says, its zip64 extra field applied.
struct CentralEntry {
  std::string name;
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc = 0;
  std::uint64_t stored_size = 0, size = 0, header_offset = 0;
};

void apply_zip64(std::string_view extra, CentralEntry& entry) {
  ByteReader reader(extra, "an extra field of the archive");
  while (reader.remaining() >= 4) {
    const std::uint16_t id = reader.u16();
    ByteReader field(reader.take(reader.u16()), "a zip64 field of the archive");
    if (id != 0x0001) continue;
    for (std::uint64_t* value : {&entry.size, &entry.stored_size, &entry.header_offset}) {
      if (*value == kMax32) *value = field.u64();
    }
    return;
  }
}

CentralEntry read_central(ByteReader& reader) {
  if (reader.u32() != kCentralHeader) refuse("the archive's directory is damaged");
  CentralEntry entry;
  reader.take(4);  // versions
  entry.flags = reader.u16();
  entry.method = reader.u16();
  reader.take(4);  // time and date
  entry.crc = reader.u32();
  entry.stored_size = reader.u32();
  entry.size = reader.u32();
  const std::uint16_t name_size = reader.u16();
  const std::uint16_t extra_size = reader.u16();
  const std::uint16_t comment_size = reader.u16();
  reader.take(8);  // disk, attributes
  entry.header_offset = reader.u32();
  entry.name = reader.take(name_size);
  apply_zip64(reader.take(extra_size), entry);
  reader.take(comment_size);
  return entry;
}

/// Offset of the content, from the local header, which must agree with the directory.
std::uint64_t content_offset(std::string_view file, const CentralEntry& entry) {
  if (entry.header_offset > file.size()) {
    refuse(fmt::format("the archive's entry '{}' lies outside the file", printable(entry.name)));
  }
  ByteReader reader(file.substr(static_cast<std::size_t>(entry.header_offset)), "the archive");
  const std::uint32_t signature = reader.u32();
  reader.take(2);
  const std::uint16_t flags = reader.u16();
  const std::uint16_t method = reader.u16();
  reader.take(16);  // time, date, CRC and sizes: the directory's count
  const std::uint16_t name_size = reader.u16();
  const std::uint16_t extra_size = reader.u16();
  const std::string_view name = reader.take(name_size);
  reader.take(extra_size);
  if (signature != kLocalHeader || name != entry.name || method != entry.method ||
      (flags & 1U) != 0) {
    refuse(fmt::format("the archive's entry '{}' is damaged", printable(entry.name)));
  }
  return entry.header_offset + reader.position();
}

std::string inflate_all(std::string_view source, std::size_t size, std::string_view name) {
  std::string result(size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) refuse("zlib cannot start");
  int status = Z_OK;
  std::size_t read = 0;
  std::size_t written = 0;
  constexpr std::size_t kPiece = 1U << 30;  // zlib counts in 32 bits
  while (status == Z_OK) {
    const std::size_t in = std::min(source.size() - read, kPiece);
    const std::size_t out = std::min(size - written, kPiece);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(source.data() + read));
    stream.avail_in = static_cast<uInt>(in);
    stream.next_out = reinterpret_cast<Bytef*>(result.data() + written);
    stream.avail_out = static_cast<uInt>(out);
    status = inflate(&stream, Z_NO_FLUSH);
    read += in - stream.avail_in;
    written += out - stream.avail_out;
    if (status == Z_OK && in == stream.avail_in && out == stream.avail_out) status = Z_BUF_ERROR;
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || written != size || read != source.size()) {
    refuse(fmt::format("the archive's entry '{}' does not inflate to what it claims",
                       printable(name)));
  }
  return result;
}

}  // namespace

std::string_view as_text(const StorageBytes& storage) {
  return {reinterpret_cast<const char*>(storage.data), storage.size};
}

ZipReader::ZipReader(StoragePtr file) : file_(std::move(file)), bytes_(as_text(*file_)) {
  const Directory directory = find_directory();
  read_directory(directory);
  check_overlaps(directory);
  check_inflated_total();
}

ZipReader::Directory ZipReader::find_directory() const {
  const std::size_t largest = std::min(bytes_.size(), kEndRecordSize + kMax16);
  for (std::size_t back = kEndRecordSize; back <= largest; ++back) {
    const std::size_t start = bytes_.size() - back;
    ByteReader reader(bytes_.substr(start), "the archive's end record");
    if (reader.u32() != kEndRecord) continue;
    const std::uint32_t disks = reader.u32();
    const std::uint16_t here = reader.u16();
    Directory directory;
    directory.count = reader.u16();
    directory.size = reader.u32();
    directory.offset = reader.u32();
    if (reader.u16() != back - kEndRecordSize) continue;  // not the comment's length: no end record
    if (directory.count == kMax16 || directory.size == kMax32 || directory.offset == kMax32) {
      directory = read_zip64_directory(start);
    } else if (disks != 0 || here != directory.count) {
      refuse("the archive is split over several files");
    }
    if (directory.offset > start || directory.size > start - directory.offset) {
      refuse("the archive's directory lies outside the file");
    }
    return directory;
  }
  refuse("the archive has no end record", "the file is cut off or damaged: fetch it again");
}

ZipReader::Directory ZipReader::read_zip64_directory(std::size_t end_record) const {
  if (end_record < kLocatorSize) refuse("the archive has no zip64 locator");
  ByteReader locator(bytes_.substr(end_record - kLocatorSize), "the archive's zip64 locator");
  if (locator.u32() != kZip64Locator) refuse("the archive has no zip64 locator");
  locator.take(4);
  const std::uint64_t offset = locator.u64();
  if (offset > end_record) refuse("the archive's zip64 record lies outside the file");
  ByteReader record(bytes_.substr(static_cast<std::size_t>(offset)), "the archive's zip64 record");
  if (record.u32() != kZip64EndRecord) refuse("the archive's zip64 record is damaged");
  record.take(20);  // size of the record, versions, disks
  Directory directory;
  const std::uint64_t count_here = record.u64();
  directory.count = record.u64();
  if (count_here != directory.count) refuse("the archive is split over several files");
  directory.size = record.u64();
  directory.offset = record.u64();
  return directory;
}

void ZipReader::read_directory(const Directory& directory) {
  ByteReader reader(bytes_.substr(static_cast<std::size_t>(directory.offset),
                                  static_cast<std::size_t>(directory.size)),
                    "the archive's directory");
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    const CentralEntry central = read_central(reader);
    check_name(central.name);
    const std::string shown = printable(central.name);
    if ((central.flags & 1U) != 0) refuse(fmt::format("the entry '{}' is encrypted", shown));
    if (central.method != kStored && central.method != kDeflated) {
      refuse(fmt::format("the entry '{}' uses compression method {}", shown, central.method));
    }
    if (central.method == kStored && central.stored_size != central.size) {
      refuse(fmt::format("the entry '{}' has two different sizes", shown));
    }
    Entry entry{content_offset(bytes_, central), central.stored_size, central.size, central.crc,
                central.method};
    if (entry.data > directory.offset || entry.stored_size > directory.offset - entry.data) {
      refuse(fmt::format("the entry '{}' claims {} bytes, more than the file has", shown,
                         entry.stored_size));
    }
    if (!entries_.emplace(central.name, entry).second) {
      refuse(fmt::format("the archive has two entries with the name '{}'", shown));
    }
    names_.push_back(central.name);
  }
  if (!reader.at_end()) refuse("the archive's directory has bytes left over");
}

void ZipReader::check_overlaps(const Directory& directory) const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  ranges.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) {
    ranges.emplace_back(entry.data, entry.data + entry.stored_size);
  }
  std::sort(ranges.begin(), ranges.end());
  ranges.emplace_back(directory.offset, directory.offset);
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) refuse("entries of the archive overlap");
  }
}

void ZipReader::check_inflated_total() const {
  std::uint64_t left = bytes_.size() * kLargestRatio;
  for (const auto& [name, entry] : entries_) {
    if (entry.method != kDeflated) continue;
    if (entry.size > left) {
      refuse(fmt::format("the entry '{}' inflates to {} bytes, out of proportion to a file of {}",
                         printable(name), entry.size, bytes_.size()));
    }
    left -= entry.size;
  }
}

bool ZipReader::contains(std::string_view name) const {
  return entries_.contains(std::string(name));
}

StoragePtr ZipReader::read(std::string_view name) const {
  const auto found = entries_.find(std::string(name));
  if (found == entries_.end()) {
    refuse(fmt::format("the archive has no entry '{}'", printable(name)));
  }
  const Entry& entry = found->second;
  const std::string_view stored = bytes_.substr(static_cast<std::size_t>(entry.data),
                                                static_cast<std::size_t>(entry.stored_size));
  StoragePtr content =
      entry.method == kStored
          ? make_storage(file_, stored.data(), stored.size())
          : make_storage(inflate_all(stored, static_cast<std::size_t>(entry.size), name));
  const uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(content->data), content->size);
  if (crc != entry.crc) {
    refuse(fmt::format("the archive's entry '{}' has a wrong checksum", printable(name)),
           "the file is damaged: fetch it again");
  }
  return content;
}

}  // namespace gannet
