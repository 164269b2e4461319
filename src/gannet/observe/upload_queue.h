// Uploads files one after another in a thread of its own, so that training never waits for a
// network.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gannet/net/upload.h"

namespace gannet {

/// How far the uploads are.
struct UploadProgress {
  std::vector<std::string> waiting;  // names, the one under way included
  std::vector<std::string> failed;
  std::uint64_t waiting_bytes = 0;
  std::uint64_t uploaded_bytes = 0;
  std::size_t uploaded = 0;
};

/// Files are added as they are now: what replaces them later is not uploaded in their place. A file
/// that fails gives one warning and nothing else.
class UploadQueue {
 public:
  /// @param run the run's directory; snapshots lie in its folder ".upload" while they are needed
  UploadQueue(std::unique_ptr<Uploader> uploader, std::filesystem::path run);
  UploadQueue(const UploadQueue&) = delete;
  UploadQueue& operator=(const UploadQueue&) = delete;
  /// Stops the upload under way; what waits is dropped.
  ~UploadQueue();

  /// @param name of a file of the run, relative to its directory ("weights/epoch9.pt"); the same
  /// below the address. Nothing happens where it waits, was uploaded before, or does not exist.
  /// @return the bytes that this added to what waits
  std::uint64_t add(const std::string& name);

  /// Until all is done, `seconds` are over or `ended` says so.
  void wait(double seconds, const std::function<bool()>& ended);

  UploadProgress progress() const;
  const std::string& address() const { return uploader_->address(); }

 private:
  enum class State { kWaiting, kUploaded, kFailed };
  struct Item {
    State state = State::kWaiting;
    std::filesystem::path snapshot;
    std::uint64_t bytes = 0;
    bool warned = false;
  };

  void work();
  void fail(const std::string& name, const std::string& why);
  std::filesystem::path take_snapshot(const std::filesystem::path& file);

  std::unique_ptr<Uploader> uploader_;
  std::filesystem::path run_, folder_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Item> items_;
  std::deque<std::string> waiting_;  // the one under way is the first
  int snapshots_ = 0;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace gannet
