#include "gannet/train/checkpoint_writer.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/fault.h"
#include "gannet/io/torch_file.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// A state with the files that it belongs into.
struct Job {
  Value checkpoint;
  std::vector<CheckpointFile> files;
};

// The first file is written, the others are links to it: they have the same content, and whoever
// replaces one leaves the others alone.
WrittenCheckpoint write_file(const Value& checkpoint, const CheckpointFile& file,
                             fs::path& written) {
  try {
    fault_point("checkpoint", 0);
    fs::create_directories(file.path.parent_path());
    if (written.empty() || !replace_by_link(written, file.path))
      save_torch_file(file.path, checkpoint);
    if (written.empty()) written = file.path;
    return {file, {}};
  } catch (const std::exception& error) {
    return {file, error.what()};
  }
}

}  // namespace

struct CheckpointWriter::Impl {
  void run(const std::function<Value()>& copy_state, std::vector<CheckpointFile> files);
  void write_job(Job& job);
  void announce_copied();

  std::mutex mutex;
  std::condition_variable changed;
  std::thread thread;
  bool copied = true, busy = false;
  std::vector<Job> unwritten;  // what is tried again
  std::vector<WrittenCheckpoint> finished;
  double pause = 0, longest_pause = 0;  // seconds, of this save and of all
};

void CheckpointWriter::Impl::announce_copied() {
  const std::scoped_lock lock(mutex);
  copied = true;
  changed.notify_all();
}

// What could not be written and must not be lost stays in the job.
void CheckpointWriter::Impl::write_job(Job& job) {
  fs::path written;
  std::vector<CheckpointFile> failed;
  for (const CheckpointFile& file : job.files) {
    WrittenCheckpoint result = write_file(job.checkpoint, file, written);
    if (!result.failure.empty() && file.keep_trying) failed.push_back(file);
    const std::scoped_lock lock(mutex);
    finished.push_back(std::move(result));
  }
  job.files = std::move(failed);
}

void CheckpointWriter::Impl::run(const std::function<Value()>& copy_state,
                                 std::vector<CheckpointFile> files) {
  Job job;
  try {
    job.checkpoint = copy_state();
    job.files = std::move(files);
  } catch (const std::exception& error) {
    const std::scoped_lock lock(mutex);
    for (const CheckpointFile& file : files) finished.push_back({file, error.what()});
  }
  announce_copied();
  // A newer state for the same file makes an older one needless.
  for (Job& old : unwritten)
    std::erase_if(old.files, [&](const CheckpointFile& file) {
      return std::any_of(job.files.begin(), job.files.end(),
                         [&](const CheckpointFile& newer) { return newer.path == file.path; });
    });
  unwritten.push_back(std::move(job));
  for (Job& each : unwritten) write_job(each);
  std::erase_if(unwritten, [](const Job& each) { return each.files.empty(); });
  const std::scoped_lock lock(mutex);
  busy = false;
  changed.notify_all();
}

CheckpointWriter::CheckpointWriter() : impl_(std::make_unique<Impl>()) {}
CheckpointWriter::~CheckpointWriter() {
  if (impl_->thread.joinable()) impl_->thread.join();
}

void CheckpointWriter::write(std::function<Value()> copy_state, std::vector<CheckpointFile> files) {
  const auto start = Clock::now();
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->pause = std::chrono::duration<double>(Clock::now() - start).count();
  impl_->copied = false;
  impl_->busy = true;
  impl_->thread = std::thread([this, copy_state = std::move(copy_state), files = std::move(files)] {
    impl_->run(copy_state, files);
  });
}

bool CheckpointWriter::busy() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->busy;
}

void CheckpointWriter::wait_until_copied() {
  std::unique_lock lock(impl_->mutex);
  if (impl_->copied) return;
  const auto start = Clock::now();
  impl_->changed.wait(lock, [this] { return impl_->copied; });
  impl_->pause += std::chrono::duration<double>(Clock::now() - start).count();
  impl_->longest_pause = std::max(impl_->longest_pause, impl_->pause);
}

void CheckpointWriter::wait() {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [this] { return !impl_->busy; });
}

std::vector<WrittenCheckpoint> CheckpointWriter::take_finished() {
  const std::scoped_lock lock(impl_->mutex);
  return std::exchange(impl_->finished, {});
}

double CheckpointWriter::longest_pause_seconds() const { return impl_->longest_pause; }

}  // namespace gannet
