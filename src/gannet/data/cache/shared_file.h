// One file that all processes of a machine map at once: in memory, gone with the last process that
// has it open however that one ends, or in a folder, kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace gannet {

/// An open file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

/// The first bytes of a file in the memory of this process, as all processes see them.
class Mapping {
 public:
  /// Throws Error (kIo).
  Mapping(const Descriptor& file, std::size_t bytes, bool writable);
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();
  std::uint8_t* bytes() const { return static_cast<std::uint8_t*>(begin_); }

 private:
  void* begin_;
  std::size_t bytes_;
};

/// Keeps the other processes that open files of this folder waiting: for milliseconds, as no one
/// holds it for longer. Given up after five seconds; the worst then is a second copy of a cache.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  Descriptor folder_;
};

/// What a file is and begins with. A file with another head or size is replaced by a new one.
struct SharedFileSpec {
  std::filesystem::path folder;  // must exist; may be empty for a file in memory, then not shared
  std::string name;
  std::string head;
  std::uint64_t bytes = 0;        // whole size; no space is taken for what was not written
  std::uint64_t zeroed_from = 0;  // written with zeros up to `zeroed_to`, so that space is taken
  std::uint64_t zeroed_to = 0;
};

/// Opened for reading and writing. `alone`: nobody else has it open at this moment.
struct SharedFile {
  Descriptor file;
  bool alone = false;
};

/// A file in memory that processes with the same folder and name share. It has no name in any file
/// system: the folder only gets a line that tells the others whose it is. Call under the lock of
/// the folder. Throws Error (kIo).
SharedFile open_memory_file(const SharedFileSpec& spec);
/// Takes this process's line back; afterwards the processes to come no longer find it here.
void leave_memory_file(const SharedFileSpec& spec, const Descriptor& file);

/// The file `name` in the folder, made when it is not there. Call under the lock of the folder.
/// Throws Error (kIo).
SharedFile open_kept_file(const SharedFileSpec& spec);

/// Writes all bytes at an offset; false when there is no space or the device fails.
bool write_at(const Descriptor& file, const void* data, std::size_t size, std::uint64_t offset);

/// Bytes that the file really takes.
std::uint64_t bytes_taken(const Descriptor& file);

}  // namespace gannet
