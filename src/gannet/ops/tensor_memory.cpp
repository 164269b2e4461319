#include "gannet/ops/tensor_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <unordered_map>

namespace gannet {
namespace {

constexpr std::size_t kSmall = 256 << 10;  // below, malloc is good
constexpr std::size_t kPage = 4096, kLargePage = 2 << 20;
constexpr std::size_t kAlignment = 64;

std::size_t round_up(std::size_t bytes, std::size_t step) {
  return (bytes + step - 1) / step * step;
}

/// Blocks of whole pages, those that are free by size.
class Blocks {
 public:
  /// Null if the system has none.
  void* take(std::size_t bytes) {
    const std::size_t size = round_up(bytes, bytes < kLargePage ? kSmall / 4 : kLargePage / 2);
    const std::scoped_lock lock(mutex_);
    void* block = take_free(size);
    if (block == nullptr) block = map(size);
    if (block == nullptr && !free_.empty()) {
      unmap_free();
      block = map(size);
    }
    if (block == nullptr) return nullptr;
    used_ += sizes_[block];
    most_used_ = std::max(most_used_, used_);
    return block;
  }

  /// @return whether the block is one of these
  bool give_back(void* block) {
    const std::scoped_lock lock(mutex_);
    const auto found = sizes_.find(block);
    if (found == sizes_.end()) return false;
    used_ -= found->second;
    free_.emplace(found->second, block);
    return true;
  }

  /// Of a tensor that is not in a block; below 0 where one is gone.
  void count_small(std::int64_t bytes) {
    const std::scoped_lock lock(mutex_);
    small_ += bytes;
    note_most();
  }

  /// Gives back all that is free and begins to count anew. @return bytes in use
  std::size_t start_anew() {
    const std::scoped_lock lock(mutex_);
    unmap_free();
    small_ = 0;
    most_held_ = held_;
    return most_used_ = used_;
  }

  std::size_t most_held() {
    const std::scoped_lock lock(mutex_);
    return most_held_;
  }

 private:
  // The smallest that is large enough and not much too large.
  void* take_free(std::size_t size) {
    const auto found = free_.lower_bound(size);
    if (found == free_.end() || found->first > size + size / 4) return nullptr;
    void* block = found->second;
    free_.erase(found);
    return block;
  }

  void* map(std::size_t size) {
    while (!free_.empty() && held_ + size > (most_used_ + size) / 4 * 5) unmap_largest();
    void* block = map_aligned(size);
    if (block == nullptr) return nullptr;
    sizes_[block] = size;
    held_ += size;
    note_most();
    return block;
  }

  static void* map_aligned(std::size_t size) {
    const std::size_t alignment = size >= kLargePage ? kLargePage : kPage;
    const std::size_t spare = alignment - kPage;
    void* start =
        ::mmap(nullptr, size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return nullptr;
    const auto address = reinterpret_cast<std::uintptr_t>(start);
    const std::uintptr_t aligned = round_up(address, alignment);
    if (aligned > address) ::munmap(start, aligned - address);
    const std::size_t behind = address + size + spare - (aligned + size);
    if (behind > 0) ::munmap(reinterpret_cast<void*>(aligned + size), behind);
    auto* block = reinterpret_cast<void*>(aligned);
    if (alignment == kLargePage) ::madvise(block, size, MADV_HUGEPAGE);
    return block;
  }

  void note_most() {
    const auto small = static_cast<std::size_t>(std::max<std::int64_t>(small_, 0));
    most_held_ = std::max(most_held_, held_ + small);
  }

  void unmap_free() {
    while (!free_.empty()) unmap_largest();
  }

  void unmap_largest() {
    const auto largest = std::prev(free_.end());
    ::munmap(largest->second, largest->first);
    held_ -= largest->first;
    sizes_.erase(largest->second);
    free_.erase(largest);
  }

  std::mutex mutex_;
  std::multimap<std::size_t, void*> free_;
  std::unordered_map<void*, std::size_t> sizes_;  // of all blocks
  std::size_t used_ = 0, most_used_ = 0, held_ = 0, most_held_ = 0;
  std::int64_t small_ = 0;  // bytes outside of blocks, of tensors made while they are counted
};

// Tensors may outlive every scope, also those of static objects.
Blocks& blocks() {
  static auto* all = new Blocks;
  return *all;
}

std::atomic<bool> counts_small = false;

void release(void* memory) {
  const bool may_be_block = reinterpret_cast<std::uintptr_t>(memory) % kPage == 0;
  if (may_be_block && blocks().give_back(memory)) return;
  if (counts_small) blocks().count_small(-static_cast<std::int64_t>(::malloc_usable_size(memory)));
  std::free(memory);
}

class KeepingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* memory = nullptr;
    if (bytes >= kSmall)
      memory = blocks().take(bytes);
    else if (bytes > 0 && ::posix_memalign(&memory, kAlignment, bytes) != 0)
      memory = nullptr;
    TORCH_CHECK_WITH(OutOfMemoryError, memory != nullptr || bytes == 0, "no memory for ", bytes,
                     " bytes");
    if (counts_small && bytes < kSmall && memory != nullptr)
      blocks().count_small(static_cast<std::int64_t>(::malloc_usable_size(memory)));
    return {memory, memory, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
};

KeepingAllocator* keeping_allocator() {
  static KeepingAllocator allocator;
  return &allocator;
}

}  // namespace

void keep_tensor_memory() { c10::SetCPUAllocator(keeping_allocator()); }

TensorMemoryCount::TensorMemoryCount()
    : previous_(c10::GetCPUAllocator()), used_before_(blocks().start_anew()) {
  counts_small = true;
  keep_tensor_memory();
}

TensorMemoryCount::~TensorMemoryCount() {
  counts_small = false;
  c10::SetCPUAllocator(previous_);
  blocks().start_anew();
}

std::size_t TensorMemoryCount::most_held() const { return blocks().most_held() - used_before_; }

}  // namespace gannet
