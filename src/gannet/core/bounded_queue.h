// Hands items from one thread to another; who is ahead waits, so that memory stays bounded.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace gannet {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  /// Waits for room. @return false where the queue was closed: the item is dropped.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    has_room_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
    if (closed_) return false;
    items_.push_back(std::move(item));
    has_item_.notify_one();
    return true;
  }
  /// Waits for an item; nothing after the queue was closed and emptied.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    has_item_.wait(lock, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    has_room_.notify_one();
    return item;
  }
  /// No more items come; those that are there can still be taken.
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    has_item_.notify_all();
    has_room_.notify_all();
  }
  /// Closes, and drops what is there.
  void abandon() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    items_.clear();
    has_item_.notify_all();
    has_room_.notify_all();
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable has_item_, has_room_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace gannet
