#include "gannet/observe/background.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gannet/core/threads.h"

namespace gannet {
namespace {

constexpr std::size_t kMaxItems = 12;

/// A copy of what a pointer shows, which may be null.
template <class T>
std::optional<T> copy_of(const T* shown) {
  return shown != nullptr ? std::optional<T>(*shown) : std::nullopt;
}

template <class T>
const T* pointer_to(const std::optional<T>& copy) {
  return copy ? &*copy : nullptr;
}

}  // namespace

BackgroundObserver::BackgroundObserver() : thread_([this] { work(); }) {}

BackgroundObserver::~BackgroundObserver() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BackgroundObserver::post(Item item) {
  std::unique_lock lock(mutex_);
  // The first one is under way.
  if (item.is_step && items_.size() > 1 && items_.back().is_step) {
    items_.back() = std::move(item);
    return;
  }
  changed_.wait(lock, [&] { return items_.size() < kMaxItems; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  items_.push_back(std::move(item));
  changed_.notify_all();
}

void BackgroundObserver::work() {
  block_signals();  // they are for the thread that trains
  give_way_to_others();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || !items_.empty(); });
    if (items_.empty()) return;
    const std::function<void()> tell = std::move(items_.front().tell);
    lock.unlock();
    std::exception_ptr failure;
    try {
      tell();
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) failure_ = failure;
    items_.pop_front();
    changed_.notify_all();
  }
}

void BackgroundObserver::on_run_start(const RunInfo& info) {
  post({[this, copy = info, names = copy_of(info.names),
         labels = copy_of(info.train_labels)]() mutable {
    copy.names = pointer_to(names);
    copy.train_labels = pointer_to(labels);
    members_.on_run_start(copy);
  }});
}

void BackgroundObserver::on_epoch_start(const EpochStart& start) {
  post({[this, start] { members_.on_epoch_start(start); }});
}

void BackgroundObserver::on_step(const StepEvent& step) {
  post({[this, step] { members_.on_step(step); }, true});
}

void BackgroundObserver::on_epoch_end(const EpochRow& row) {
  post({[this, row] { members_.on_epoch_end(row); }});
}

void BackgroundObserver::on_batch_picture(const BatchPicture& picture) {
  post({[this, copy = picture, batch = copy_of(picture.batch), names = copy_of(picture.names),
         predictions = copy_of(picture.predictions)]() mutable {
    copy.batch = pointer_to(batch);
    copy.names = pointer_to(names);
    copy.predictions = pointer_to(predictions);
    members_.on_batch_picture(copy);
  }});
}

void BackgroundObserver::on_checkpoint(const CheckpointEvent& checkpoint) {
  post({[this, checkpoint] { members_.on_checkpoint(checkpoint); }});
}

void BackgroundObserver::on_run_end(const RunSummary& summary) {
  post({[this, summary] { members_.on_run_end(summary); }});
  wait_until_told();
}

void BackgroundObserver::on_run_failed(const RunFailure& failure) {
  post({[this, failure] { members_.on_run_failed(failure); }});
  wait_until_told();
}

void BackgroundObserver::wait_until_told() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return items_.empty(); });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace gannet
