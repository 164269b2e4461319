#include "gannet/data/loading/pixel_pool.h"

#include <algorithm>
#include <utility>

namespace gannet {

PixelPool::PixelPool(Allocate allocate, std::size_t max_free)
    : allocate_(std::move(allocate)), max_free_(max_free) {
  if (!allocate_) {
    allocate_ = [](std::size_t bytes) {
      return std::shared_ptr<std::uint8_t[]>(new std::uint8_t[bytes]);
    };
  }
}

std::shared_ptr<std::uint8_t[]> PixelPool::acquire(std::size_t bytes) {
  Buffer buffer;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = std::find_if(free_.begin(), free_.end(), [&](const Buffer& candidate) {
      return candidate.capacity >= bytes;
    });
    if (found != free_.end()) {
      buffer = std::move(*found);
      free_.erase(found);
    }
  }
  if (!buffer.memory) buffer = {allocate_(bytes), bytes};
  std::uint8_t* const pixels = buffer.memory.get();
  return {pixels, [pool = weak_from_this(), buffer = std::move(buffer)](std::uint8_t*) mutable {
            if (const auto alive = pool.lock()) alive->give_back(std::move(buffer));
          }};
}

void PixelPool::give_back(Buffer buffer) {
  const std::scoped_lock lock(mutex_);
  free_.push_back(std::move(buffer));
  if (free_.size() <= max_free_) return;
  free_.erase(std::min_element(free_.begin(), free_.end(), [](const Buffer& a, const Buffer& b) {
    return a.capacity < b.capacity;
  }));
}

}  // namespace gannet
