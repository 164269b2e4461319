#include "gannet/serve/batcher.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/serve/http_error.h"

namespace gannet {
namespace {

constexpr const char* kTooLate = "detection took longer than a request may";

}  // namespace

Batcher::Room::Room(Batcher& batcher, std::size_t pictures, std::int64_t pixels)
    : batcher_(batcher), pictures_(pictures), pixels_(pixels) {
  const std::lock_guard lock(batcher.mutex_);
  const bool alone = batcher.waiting_ == 0;
  if (batcher.waiting_ + pictures > batcher.max_waiting_ ||
      (!alone && batcher.waiting_pixels_ + pixels > kMaxWaitingPixels))
    throw HttpError(503, fmt::format("{} pictures are waiting already", batcher.waiting_));
  batcher.waiting_ += pictures;
  batcher.waiting_pixels_ += pixels;
}

Batcher::Room::~Room() {
  const std::lock_guard lock(batcher_.mutex_);
  batcher_.waiting_ -= pictures_;
  batcher_.waiting_pixels_ -= pixels_;
}

Batcher::Batcher(DetectFunction detect, std::size_t max_batch, std::size_t max_waiting,
                 ServeMetrics& metrics)
    : detect_(std::move(detect)),
      max_batch_(max_batch),
      max_waiting_(max_waiting),
      metrics_(metrics),
      worker_([this] { work(); }) {}

Batcher::~Batcher() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

std::size_t Batcher::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

std::vector<std::vector<Detection>> Batcher::detect(const std::vector<cv::Mat>& pictures,
                                                    Deadline deadline) {
  std::vector<std::future<Found>> futures;
  {
    const std::lock_guard lock(mutex_);
    for (const cv::Mat& picture : pictures) {
      jobs_.push_back({picture, deadline});
      futures.push_back(jobs_.back().found.get_future());
    }
  }
  changed_.notify_all();
  std::vector<Found> found;
  for (std::future<Found>& future : futures) {
    if (future.wait_until(deadline) != std::future_status::ready) throw HttpError(504, kTooLate);
    found.push_back(future.get());
  }
  return found;
}

void Batcher::work() {
  while (true) {
    std::vector<Job> batch = take_batch();
    if (batch.empty()) return;
    run(batch);
  }
}

/// The oldest picture, and those of its size; nothing at the end.
std::vector<Batcher::Job> Batcher::take_batch() {
  std::unique_lock lock(mutex_);
  std::vector<Job> batch;
  while (batch.empty()) {
    changed_.wait(lock, [&] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return batch;
    std::deque<Job> others;
    const auto now = std::chrono::steady_clock::now();
    for (Job& job : jobs_) {
      if (job.deadline <= now) {
        job.found.set_exception(std::make_exception_ptr(HttpError(504, kTooLate)));
        continue;
      }
      const bool fits = batch.empty() || job.picture.size() == batch.front().picture.size();
      if (fits && batch.size() < max_batch_) {
        batch.push_back(std::move(job));
      } else {
        others.push_back(std::move(job));
      }
    }
    jobs_ = std::move(others);
  }
  return batch;
}

/// What cannot be detected together is tried one by one, so that each gets its own failure.
void Batcher::run(std::vector<Job>& batch) {
  try {
    std::vector<ImageView> views;
    for (const Job& job : batch)
      views.push_back({job.picture.data, job.picture.cols, job.picture.rows,
                       static_cast<std::ptrdiff_t>(job.picture.step)});
    std::vector<Found> found = detect_(views);
    GANNET_CHECK(found.size() == batch.size(), "detection gives one result a picture");
    metrics_.add_batch(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i].found.set_value(std::move(found[i]));
  } catch (...) {
    if (batch.size() == 1) return batch.front().found.set_exception(std::current_exception());
    for (Job& job : batch) {
      std::vector<Job> alone;
      alone.push_back(std::move(job));
      run(alone);
    }
  }
}

}  // namespace gannet
