#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/io/zip.h"

namespace gannet {
namespace {

constexpr std::uint64_t kAlignment = 64;
constexpr std::uint16_t kUtf8Names = 0x0800;
constexpr std::uint16_t kDosDate1980 = 0x0021;  // 1 January 1980: equal contents, equal files
constexpr std::uint32_t kMax32 = 0xFFFFFFFF;
constexpr std::uint16_t kMax16 = 0xFFFF;

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

std::uint32_t checksum(const void* data, std::size_t size) {
  return static_cast<std::uint32_t>(crc32_z(0, static_cast<const Bytef*>(data), size));
}

/// Fields that local and central headers share, from "version needed" to the CRC.
void put_common(std::string& out, bool zip64, std::uint32_t crc) {
  put(out, zip64 ? 45 : 20, 2);
  put(out, kUtf8Names, 2);
  put(out, 0, 2);  // stored
  put(out, 0, 2);  // time
  put(out, kDosDate1980, 2);
  put(out, crc, 4);
}

}  // namespace

ZipWriter::ZipWriter(WriteBytes write, std::uint64_t zip64_from)
    : write_(std::move(write)), zip64_from_(std::min<std::uint64_t>(zip64_from, kMax32)) {}

void ZipWriter::write(const void* data, std::size_t size) {
  write_(data, size);
  position_ += size;
}

std::string ZipWriter::local_header(const Entry& entry) const {
  constexpr std::uint64_t kFixedSize = 30;
  const bool zip64 = entry.size >= zip64_from_;
  std::string extra;
  if (zip64) {
    put(extra, 0x0001, 2);
    put(extra, 16, 2);
    put(extra, entry.size, 8);
    put(extra, entry.size, 8);
  }
  const std::uint64_t before = entry.offset + kFixedSize + entry.name.size() + extra.size() + 4;
  const std::uint64_t padding = (kAlignment - before % kAlignment) % kAlignment;
  extra += "FB";
  put(extra, padding, 2);
  extra.append(static_cast<std::size_t>(padding), 'Z');

  std::string header = "PK\x03\x04";
  put_common(header, zip64, entry.crc);
  put(header, zip64 ? kMax32 : entry.size, 4);
  put(header, zip64 ? kMax32 : entry.size, 4);
  put(header, entry.name.size(), 2);
  put(header, extra.size(), 2);
  return header + entry.name + extra;
}

std::string ZipWriter::central_header(const Entry& entry) const {
  const bool large = entry.size >= zip64_from_;
  const bool far = entry.offset >= zip64_from_;
  std::string extra;
  if (large || far) {
    put(extra, 0x0001, 2);
    put(extra, (large ? 16U : 0U) + (far ? 8U : 0U), 2);
    if (large) {
      put(extra, entry.size, 8);
      put(extra, entry.size, 8);
    }
    if (far) put(extra, entry.offset, 8);
  }
  std::string header = "PK\x01\x02";
  put(header, 45, 2);  // made by version 4.5 on MS-DOS: no permissions to restore
  put_common(header, large || far, entry.crc);
  put(header, large ? kMax32 : entry.size, 4);
  put(header, large ? kMax32 : entry.size, 4);
  put(header, entry.name.size(), 2);
  put(header, extra.size(), 2);
  put(header, 0, 2);  // comment
  put(header, 0, 2);  // disk
  put(header, 0, 2);  // internal attributes
  put(header, 0, 4);  // external attributes
  put(header, far ? kMax32 : entry.offset, 4);
  return header + entry.name + extra;
}

void ZipWriter::add(const std::string& name, const void* data, std::size_t size) {
  GANNET_CHECK(!name.empty() && name.size() < kMax16, "zip entry name");
  Entry entry{name, checksum(data, size), size, position_};
  const std::string header = local_header(entry);
  write(header.data(), header.size());
  if (size > 0) write(data, size);
  entries_.push_back(std::move(entry));
}

void ZipWriter::finish() {
  const std::uint64_t start = position_;
  for (const Entry& entry : entries_) {
    const std::string header = central_header(entry);
    write(header.data(), header.size());
  }
  const std::uint64_t size = position_ - start;
  const std::uint64_t count = entries_.size();
  std::string end;
  if (start >= zip64_from_ || size >= zip64_from_ || count >= kMax16) {
    const std::uint64_t record = position_;
    end += "PK\x06\x06";
    put(end, 44, 8);  // size of the rest of this record
    put(end, 45, 2);
    put(end, 45, 2);
    put(end, 0, 4);
    put(end, 0, 4);
    put(end, count, 8);
    put(end, count, 8);
    put(end, size, 8);
    put(end, start, 8);
    end += "PK\x06\x07";
    put(end, 0, 4);
    put(end, record, 8);
    put(end, 1, 4);
  }
  end += "PK\x05\x06";
  put(end, 0, 4);  // disks
  put(end, std::min<std::uint64_t>(count, kMax16), 2);
  put(end, std::min<std::uint64_t>(count, kMax16), 2);
  put(end, size >= zip64_from_ ? kMax32 : size, 4);
  put(end, start >= zip64_from_ ? kMax32 : start, 4);
  put(end, 0, 2);  // comment
  write(end.data(), end.size());
}

}  // namespace gannet
