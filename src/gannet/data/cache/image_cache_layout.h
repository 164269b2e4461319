// Where everything lies in the file of an image cache: a checksummed header, the index of images,
// a state for each image, then the pixels. docs/image-cache.md shows the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace gannet {

/// Pixels of one image: BGR bytes, rows x cols x 3, `offset` bytes from the file's begin.
struct ImageCacheEntry {
  std::uint64_t offset = 0;
  std::int32_t rows = 0, cols = 0;
  std::size_t bytes() const {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols) * 3;
  }
};

/// What changes while a cache is filled; both words are changed by atomic operations only.
struct ImageCacheState {
  std::uint64_t word = 0;      // 0 empty, 1 ready, else 2 + 4 * the process that decodes the image
  std::uint64_t checksum = 0;  // of the pixels, valid once ready
};

class ImageCacheLayout {
 public:
  /// @param key hash of all that decides the pixels   @param sizes of the images as cached
  ImageCacheLayout(std::uint64_t key, const std::vector<cv::Size>& sizes);

  /// Header and index: what a file with this key begins with.
  const std::string& head() const { return head_; }
  std::size_t size() const { return entries_.size(); }
  const ImageCacheEntry& entry(std::size_t i) const { return entries_.at(i); }
  std::uint64_t states_begin() const { return head_.size(); }
  /// Begin of the pixels, a multiple of the page size.
  std::uint64_t data_begin() const { return data_begin_; }
  std::uint64_t file_bytes() const { return file_bytes_; }
  /// End of the pixels of the first `count` images.
  std::uint64_t end_of(std::size_t count) const;
  /// How many of the first images fit into a file of so many bytes.
  std::size_t num_fitting(std::uint64_t bytes) const;

 private:
  std::vector<ImageCacheEntry> entries_;
  std::uint64_t data_begin_ = 0, file_bytes_ = 0;
  std::string head_;
};

}  // namespace gannet
