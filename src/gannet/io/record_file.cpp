#include "gannet/io/record_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/hash.h"

namespace gannet {
namespace {

template <class Number>
void append_little_endian(std::string& bytes, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i)
    bytes += static_cast<char>(number >> (8 * i) & 0xFF);
}

/// A checksum of bytes that hold checksums would be weak: the format turns and shifts it.
std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

}  // namespace

std::string frame_record(std::string_view record) {
  std::string framed;
  framed.reserve(record.size() + 16);
  append_little_endian(framed, static_cast<std::uint64_t>(record.size()));
  append_little_endian(framed, masked_crc(framed));
  framed += record;
  append_little_endian(framed, masked_crc(record));
  return framed;
}

RecordFile::RecordFile(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) throw_io_error(path_, "write");
}

RecordFile::~RecordFile() { ::close(descriptor_); }

void RecordFile::append(std::string_view record) {
  const std::string framed = frame_record(record);
  const off_t end = ::lseek(descriptor_, 0, SEEK_CUR);
  ssize_t written = -1;
  do {
    written = ::write(descriptor_, framed.data(), framed.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(framed.size())) return;
  const int why = written < 0 ? errno : ENOSPC;
  if (::ftruncate(descriptor_, end) == 0) ::lseek(descriptor_, end, SEEK_SET);
  errno = why;
  throw_io_error(path_, "write");
}

}  // namespace gannet
