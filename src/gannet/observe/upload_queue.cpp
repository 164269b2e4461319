#include "gannet/observe/upload_queue.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "gannet/core/log.h"
#include "gannet/core/threads.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

}  // namespace

UploadQueue::UploadQueue(std::unique_ptr<Uploader> uploader, fs::path run)
    : uploader_(std::move(uploader)), run_(std::move(run)), folder_(run_ / ".upload") {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);  // of a run that was killed
  thread_ = std::thread([this] { work(); });
}

UploadQueue::~UploadQueue() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  uploader_->stop();
  thread_.join();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

// A link where the file is only ever replaced whole, so that gigabytes are not copied; the small
// files may be written in place.
fs::path UploadQueue::take_snapshot(const fs::path& file) {
  fs::create_directories(folder_);
  fs::path snapshot = folder_ / fmt::format("{}-{}", snapshots_++, file.filename().string());
  std::error_code error;
  if (file.extension() == ".pt") fs::create_hard_link(file, snapshot, error);
  if (file.extension() != ".pt" || error) fs::copy_file(file, snapshot);
  return snapshot;
}

std::uint64_t UploadQueue::add(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto known = items_.find(name);
  if (known != items_.end() && known->second.state != State::kFailed) return 0;
  std::error_code error;
  if (!fs::is_regular_file(run_ / name, error)) return 0;
  Item& item = items_[name];
  try {
    item.snapshot = take_snapshot(run_ / name);
    item.bytes = fs::file_size(item.snapshot);
  } catch (const fs::filesystem_error& failure) {
    fail(name, failure.code().message());
    return 0;
  }
  item.state = State::kWaiting;
  waiting_.push_back(name);
  changed_.notify_all();
  return item.bytes;
}

/// To be called with the lock.
void UploadQueue::fail(const std::string& name, const std::string& why) {
  Item& item = items_[name];
  item.state = State::kFailed;
  if (item.warned || ending_) return;
  item.warned = true;
  log_warning("{} was not uploaded: {}; the run's files are in {}", name, why, run_.string());
}

void UploadQueue::work() {
  block_signals();  // they are for the thread that trains
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
    if (ending_) return;
    const std::string name = waiting_.front();
    const fs::path snapshot = items_[name].snapshot;
    lock.unlock();
    std::string failure;
    try {
      uploader_->put(snapshot, name);
    } catch (const std::exception& error) {
      failure = error.what();
    }
    std::error_code ignored;
    fs::remove(snapshot, ignored);
    lock.lock();
    waiting_.pop_front();
    items_[name].state = State::kUploaded;
    if (!failure.empty()) fail(name, failure);
    changed_.notify_all();
  }
}

void UploadQueue::wait(double seconds, const std::function<bool()>& ended) {
  constexpr std::chrono::milliseconds kLook{100};
  const auto limit = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  std::unique_lock lock(mutex_);
  while (!waiting_.empty() && !ended() && std::chrono::steady_clock::now() < limit)
    changed_.wait_for(lock, kLook);
}

UploadProgress UploadQueue::progress() const {
  const std::lock_guard lock(mutex_);
  UploadProgress progress;
  for (const std::string& name : waiting_) {
    progress.waiting.push_back(name);
    progress.waiting_bytes += items_.at(name).bytes;
  }
  for (const auto& [name, item] : items_) {
    if (item.state == State::kFailed) progress.failed.push_back(name);
    if (item.state != State::kUploaded) continue;
    ++progress.uploaded;
    progress.uploaded_bytes += item.bytes;
  }
  return progress;
}

}  // namespace gannet
