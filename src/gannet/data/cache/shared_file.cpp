#include "gannet/data/cache/shared_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

bool fits(const Descriptor& file, const SharedFileSpec& spec) {
  struct stat status {};
  if (::fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::uint64_t>(status.st_size) != spec.bytes) {
    return false;
  }
  std::string head(spec.head.size(), '\0');
  const ssize_t got = ::pread(file.number(), head.data(), head.size(), 0);
  return got == static_cast<ssize_t>(head.size()) && head == spec.head;
}

/// Gives an empty file its size and head.
void lay_out(const Descriptor& file, const SharedFileSpec& spec, const fs::path& path) {
  if (::ftruncate(file.number(), static_cast<off_t>(spec.bytes)) != 0) {
    throw_io_error(path, "enlarge");
  }
  const std::string zeros(spec.zeroed_to - spec.zeroed_from, '\0');
  if (!write_at(file, zeros.data(), zeros.size(), spec.zeroed_from) ||
      !write_at(file, spec.head.data(), spec.head.size(), 0)) {
    throw_io_error(path, "write");
  }
}

/// A file in memory as another process has it open.
struct Member {
  long process = 0;
  int descriptor = -1;
  std::string path() const { return fmt::format("/proc/{}/fd/{}", process, descriptor); }
  friend bool operator==(const Member&, const Member&) = default;
};

/// Names the host, as the folder may be on a network.
fs::path member_list(const SharedFileSpec& spec) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return spec.folder / fmt::format("{}.{}.members", spec.name, host.data());
}

std::string memory_name(const SharedFileSpec& spec) { return "gannet-" + spec.name; }

/// Opens what a member has open, if it still is the file in question.
Descriptor join(const Member& member, const SharedFileSpec& spec) {
  std::error_code failed;
  const std::string target = fs::read_symlink(member.path(), failed).string();
  if (failed || !target.starts_with("/memfd:" + memory_name(spec))) return Descriptor();
  Descriptor file(::open(member.path().c_str(), O_RDWR | O_CLOEXEC));
  return file.is_open() && fits(file, spec) ? std::move(file) : Descriptor();
}

std::vector<Member> read_members(const SharedFileSpec& spec) {
  if (spec.folder.empty()) return {};
  std::ifstream text(member_list(spec));
  std::vector<Member> members;
  for (Member member; text >> member.process >> member.descriptor;) members.push_back(member);
  return members;
}

void write_members(const SharedFileSpec& spec, const std::vector<Member>& members) {
  if (members.empty()) {
    std::error_code ignored;
    fs::remove(member_list(spec), ignored);
    return;
  }
  std::string text;
  for (const Member& member : members) {
    text += fmt::format("{} {}\n", member.process, member.descriptor);
  }
  write_file_atomically(member_list(spec), text);
}

Member self(const Descriptor& file) { return {::getpid(), file.number()}; }

/// Files that a process was killed over before it could name them.
void remove_unfinished(const SharedFileSpec& spec) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(spec.folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(spec.name + ".tmp")) fs::remove(entry.path(), ignored);
  }
}

/// Whether no other open file is this one; if so no one else may open it meanwhile.
bool try_alone(const Descriptor& file) { return ::flock(file.number(), LOCK_EX | LOCK_NB) == 0; }

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Mapping::Mapping(const Descriptor& file, std::size_t bytes, bool writable)
    : begin_(::mmap(nullptr, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                    file.number(), 0)),
      bytes_(bytes) {
  if (begin_ == MAP_FAILED) {
    throw Error(ErrorKind::kIo, fmt::format("cannot map {} bytes: {}", bytes, std::strerror(errno)),
                {}, "is there a limit to the address space?");
  }
}

Mapping::~Mapping() { ::munmap(begin_, bytes_); }

FolderLock::FolderLock(const fs::path& folder) {
  if (folder.empty()) return;
  folder_ = Descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_.is_open()) return;
  constexpr auto kPause = std::chrono::milliseconds(5);
  constexpr int kMaxTries = 1000;
  for (int i = 0; i < kMaxTries; ++i) {
    if (::flock(folder_.number(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    std::this_thread::sleep_for(kPause);
  }
}

SharedFile open_memory_file(const SharedFileSpec& spec) {
  SharedFile shared;
  std::vector<Member> members = read_members(spec);
  std::erase_if(members, [&](const Member& member) {
    Descriptor file = join(member, spec);
    if (file.is_open() && !shared.file.is_open()) {
      shared.file = std::move(file);
      return false;
    }
    return !file.is_open();
  });
  if (!shared.file.is_open()) {
    shared.file = Descriptor(::memfd_create(memory_name(spec).c_str(), MFD_CLOEXEC));
    if (!shared.file.is_open()) throw_io_error(memory_name(spec), "create a file in memory");
    lay_out(shared.file, spec, memory_name(spec));
    shared.alone = true;
  }
  members.push_back(self(shared.file));
  if (spec.folder.empty()) return shared;
  try {
    write_members(spec, members);
  } catch (const Error& error) {
    log_warning("{} in memory is not shared with other processes: {}", spec.name, error.what());
  }
  return shared;
}

void leave_memory_file(const SharedFileSpec& spec, const Descriptor& file) {
  if (spec.folder.empty()) return;
  std::vector<Member> members = read_members(spec);
  std::erase_if(members, [&](const Member& member) {
    return member == self(file) || !join(member, spec).is_open();
  });
  write_members(spec, members);
}

SharedFile open_kept_file(const SharedFileSpec& spec) {
  const fs::path path = spec.folder / spec.name;
  SharedFile shared;
  shared.file = Descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!shared.file.is_open() || !fits(shared.file, spec)) {
    remove_unfinished(spec);
    // Beside the old one: whoever has that mapped keeps it whole.
    const fs::path fresh = path.string() + fmt::format(".tmp{}", ::getpid());
    constexpr int kFlags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC;
    shared.file = Descriptor(::open(fresh.c_str(), kFlags, 0644));
    if (!shared.file.is_open()) throw_io_error(fresh, "write");
    try {
      lay_out(shared.file, spec, fresh);
      if (::rename(fresh.c_str(), path.c_str()) != 0) throw_io_error(path, "replace");
    } catch (...) {
      ::unlink(fresh.c_str());
      throw;
    }
  }
  shared.alone = try_alone(shared.file);
  ::flock(shared.file.number(), LOCK_SH | LOCK_NB);
  return shared;
}

bool write_at(const Descriptor& file, const void* data, std::size_t size, std::uint64_t offset) {
  const char* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::pwrite(file.number(), bytes, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    offset += static_cast<std::uint64_t>(written);
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

std::uint64_t bytes_taken(const Descriptor& file) {
  struct stat status {};
  constexpr std::uint64_t kBlock = 512;
  return ::fstat(file.number(), &status) == 0
             ? static_cast<std::uint64_t>(status.st_blocks) * kBlock
             : 0;
}

}  // namespace gannet
