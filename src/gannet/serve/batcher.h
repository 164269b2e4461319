// Gathers the pictures of many requests into batches: one worker detects, the requests wait.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <opencv2/core.hpp>
#include <thread>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/serve/serve_metrics.h"
#include "gannet/serve/server.h"

namespace gannet {

using Deadline = std::chrono::steady_clock::time_point;

class Batcher {
 public:
  /// Room for the pictures of a request, until it is answered.
  class Room {
   public:
    Room(Batcher& batcher, std::size_t pictures, std::int64_t pixels);
    ~Room();
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

   private:
    Batcher& batcher_;
    std::size_t pictures_;
    std::int64_t pixels_;
  };

  Batcher(DetectFunction detect, std::size_t max_batch, std::size_t max_waiting,
          ServeMetrics& metrics);
  /// Answers what waits first.
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  /// Takes room before memory is used for decoding. Throws HttpError (503) when there is none: more
  /// pictures than may wait, or, beside others, more than kMaxWaitingPixels.
  Room admit(std::size_t pictures, std::int64_t pixels) { return {*this, pictures, pixels}; }
  /// Objects in each picture, BGR; throws HttpError (504) at the deadline, and what detection
  /// threw. Pictures of one size share batches, so no answer depends on what others ask.
  std::vector<std::vector<Detection>> detect(const std::vector<cv::Mat>& pictures,
                                             Deadline deadline);
  std::size_t waiting() const;

  static constexpr std::int64_t kMaxWaitingPixels = std::int64_t{1} << 29;  // 1.5 GiB

 private:
  using Found = std::vector<Detection>;
  struct Job {
    cv::Mat picture;
    Deadline deadline;
    std::promise<Found> found = {};
  };

  void work();
  std::vector<Job> take_batch();
  void run(std::vector<Job>& batch);

  const DetectFunction detect_;
  const std::size_t max_batch_, max_waiting_;
  ServeMetrics& metrics_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::size_t waiting_ = 0;  // pictures with room
  std::int64_t waiting_pixels_ = 0;
  bool ending_ = false;
  std::thread worker_;
};

}  // namespace gannet
