// Pixel memory that batches share in turn: a batch is tens of megabytes, and asking the system for
// that anew each time costs more than filling it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace gannet {

/// Thread-safe. Lives on until its last buffer has come back.
class PixelPool : public std::enable_shared_from_this<PixelPool> {
 public:
  using Allocate = std::function<std::shared_ptr<std::uint8_t[]>(std::size_t bytes)>;

  /// @param allocate empty: from the heap   @param max_free buffers kept for later
  PixelPool(Allocate allocate, std::size_t max_free);

  /// At least `bytes` of memory, not cleared; comes back to the pool by itself.
  std::shared_ptr<std::uint8_t[]> acquire(std::size_t bytes);

 private:
  struct Buffer {
    std::shared_ptr<std::uint8_t[]> memory;
    std::size_t capacity = 0;
  };
  void give_back(Buffer buffer);

  Allocate allocate_;
  std::size_t max_free_;
  std::mutex mutex_;
  std::vector<Buffer> free_;
};

}  // namespace gannet
