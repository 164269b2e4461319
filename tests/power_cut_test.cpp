// Saving a checkpoint under a model of a disk that forgets what was not flushed, and with a failure
// at each system call. This program's own open, write, fsync, close, rename and link stand before
// those of the C library; after each call of them the test looks at what a power cut would leave.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/io/torch_file.h"
#include "tests/unit/temporary_folder.h"

namespace {

namespace fs = std::filesystem;

/// What the calls below tell, and what they are told; idle unless a test uses it.
struct Disk {
  std::function<void(int descriptor)> after_flush;
  std::function<void()> after_call;
  int calls = 0, failing_call = 0, error = 0;  // the call with this number fails; 0: none

  bool fails() {
    if (!after_call && failing_call == 0) return false;
    if (++calls != failing_call) return false;
    errno = error;
    return true;
  }
  template <class Result>
  Result done(Result result) {
    if (after_call) std::exchange(after_call, {})();  // what it calls itself is not looked at
    return result;
  }
};
Disk disk;

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {
int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  if (disk.fails()) return -1;
  return disk.done(real<int(const char*, int, mode_t)>("open")(path, flags, mode));
}
ssize_t write(int descriptor, const void* data, size_t size) {
  if (disk.fails()) return -1;
  return disk.done(real<ssize_t(int, const void*, size_t)>("write")(descriptor, data, size));
}
int fsync(int descriptor) {
  if (disk.fails()) return -1;
  const int result = real<int(int)>("fsync")(descriptor);
  if (disk.after_flush) disk.after_flush(descriptor);
  return disk.done(result);
}
int close(int descriptor) {
  if (disk.fails()) {  // as in Linux, the descriptor is gone all the same
    const int error = errno;
    real<int(int)>("close")(descriptor);
    errno = error;
    return -1;
  }
  return disk.done(real<int(int)>("close")(descriptor));
}
int rename(const char* from, const char* to) noexcept {
  if (disk.fails()) return -1;
  return disk.done(real<int(const char*, const char*)>("rename")(from, to));
}
int link(const char* from, const char* to) noexcept {
  if (disk.fails()) return -1;
  return disk.done(real<int(const char*, const char*)>("link")(from, to));
}
}

namespace gannet {
namespace {

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

ino_t inode_of(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

Value checkpoint(int number) {
  Value tensors = Value::dict();
  for (int i = 0; i < 3; ++i) {
    const std::string bytes(40000, static_cast<char>('a' + number + i));
    tensors.set("weight" + std::to_string(i),
                contiguous_tensor(DType::kF32, {100, 100}, make_storage(bytes)));
  }
  return Value::dict({{"number", number}, {"model", tensors}});
}

class PowerCut : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    save_torch_file(path("last.pt"), checkpoint(1));
    old_ = content_of(path("last.pt"));
    flush_folder_names();
    flushed_[inode_of(path("last.pt"))] = old_;
    save_torch_file(path("new.pt"), checkpoint(2));
    new_ = content_of(path("new.pt"));
    fs::remove(path("new.pt"));
  }
  void TearDown() override {
    disk = {};
    TemporaryFolder::TearDown();
  }

  /// Watches every call from now on.
  void watch() {
    disk.after_flush = [this](int descriptor) {
      struct stat status {};
      ::fstat(descriptor, &status);
      if (S_ISDIR(status.st_mode)) return flush_folder_names();
      flushed_[status.st_ino] = content_of("/proc/self/fd/" + std::to_string(descriptor));
    };
    disk.after_call = [this] { look(); };
  }
  void look() {
    EXPECT_TRUE(is_whole(flushed_names_)) << "names that were not flushed are lost";
    EXPECT_TRUE(is_whole(names_now())) << "names are kept, content that was not flushed is lost";
    ++looks_;
    watch();
  }
  /// Whether last.pt is the old or the new checkpoint where only flushed content is kept.
  bool is_whole(const std::map<std::string, ino_t>& names) const {
    const std::string content = content_under(names);
    return content == old_ || content == new_;
  }
  std::string content_under(const std::map<std::string, ino_t>& names) const {
    const auto name = names.find("last.pt");
    if (name == names.end()) return "no such file";
    const auto content = flushed_.find(name->second);
    return content == flushed_.end() ? "never flushed" : content->second;
  }
  std::map<std::string, ino_t> names_now() const {
    std::map<std::string, ino_t> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      names[entry.path().filename().string()] = inode_of(entry.path());
    return names;
  }
  void flush_folder_names() { flushed_names_ = names_now(); }

  std::string old_, new_;
  std::map<ino_t, std::string> flushed_;  // content on the disk
  std::map<std::string, ino_t> flushed_names_;
  int looks_ = 0;
};

TEST_F(PowerCut, LeavesTheOldOrTheNewCheckpointAtEachMoment) {
  watch();
  save_torch_file(path("last.pt"), checkpoint(2));
  disk = {};
  EXPECT_EQ(content_under(flushed_names_), new_) << "a completed save must be on the disk";
  EXPECT_GT(looks_, 6);
}

TEST_F(PowerCut, LinkIsOnTheDiskToo) {
  save_torch_file(path("best.pt"), checkpoint(2));
  flushed_[inode_of(path("best.pt"))] = new_;
  watch();
  ASSERT_TRUE(replace_by_link(path("best.pt"), path("last.pt")));
  disk = {};
  EXPECT_EQ(content_under(flushed_names_), new_);
}

TEST_F(PowerCut, WriterThatDoesNotFlushIsFound) {
  watch();
  std::ofstream(path("plain"), std::ios::binary) << new_;
  disk.after_call = {};
  fs::rename(path("plain"), path("last.pt"));
  EXPECT_FALSE(is_whole(names_now())) << "the model of the disk sees nothing";
}

// The old file stays whole, an error says so, and nothing is left beside it.
TEST_F(PowerCut, FailureAtAnySystemCallLosesNothing) {
  for (const int error : {ENOSPC, EIO}) {
    int number = 1, failures = 0;
    for (bool reached = true; reached; ++number) {
      save_torch_file(path("last.pt"), checkpoint(1));
      disk = {};
      disk.failing_call = number;
      disk.error = error;
      bool thrown = false;
      try {
        save_torch_file(path("last.pt"), checkpoint(2));
      } catch (const Error& caught) {
        thrown = true;
        EXPECT_EQ(caught.kind(), ErrorKind::kIo);
      }
      reached = disk.calls >= number;
      disk = {};
      EXPECT_EQ(content_of(path("last.pt")), thrown ? old_ : new_) << "call " << number;
      EXPECT_EQ(names_now().size(), 1u) << "call " << number << " leaves a file";
      failures += thrown ? 1 : 0;
    }
    EXPECT_GT(failures, 4);
  }
}

}  // namespace
}  // namespace gannet
