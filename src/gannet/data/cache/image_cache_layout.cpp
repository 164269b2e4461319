#include "gannet/data/cache/image_cache_layout.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "gannet/core/hash.h"

namespace gannet {
namespace {

// Raise the version when this layout, decoding or resizing changes.
constexpr std::array<char, 16> kMagic = {'g', 'a', 'n', 'n', 'e', 't', ' ', 'i',
                                         'm', 'a', 'g', 'e', 's', ' ', '1', '\n'};
constexpr std::uint64_t kPage = 4096, kAlignment = 64;

struct Header {
  std::array<char, 16> magic = kMagic;
  std::uint64_t key = 0, num_images = 0, states_begin = 0, data_begin = 0, file_bytes = 0;
  std::uint64_t checksum = 0;  // of header and index, this word 0
};

std::uint64_t up_to(std::uint64_t value, std::uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

ImageCacheLayout::ImageCacheLayout(std::uint64_t key, const std::vector<cv::Size>& sizes) {
  Header header;
  header.key = key;
  header.num_images = sizes.size();
  header.states_begin = sizeof header + sizes.size() * sizeof(ImageCacheEntry);
  header.data_begin = data_begin_ =
      up_to(header.states_begin + sizes.size() * sizeof(ImageCacheState), kPage);
  std::uint64_t offset = data_begin_;
  for (const cv::Size& size : sizes) {
    entries_.push_back({offset, size.height, size.width});
    offset = up_to(offset + entries_.back().bytes(), kAlignment);
  }
  header.file_bytes = file_bytes_ = up_to(offset, kPage);
  head_.resize(header.states_begin);
  std::memcpy(head_.data(), &header, sizeof header);
  if (!entries_.empty()) {
    std::memcpy(head_.data() + sizeof header, entries_.data(),
                entries_.size() * sizeof(ImageCacheEntry));
  }
  header.checksum = checksum64(head_.data(), head_.size());
  std::memcpy(head_.data(), &header, sizeof header);
}

std::uint64_t ImageCacheLayout::end_of(std::size_t count) const {
  return count == 0 ? data_begin_ : entries_.at(count - 1).offset + entries_[count - 1].bytes();
}

std::size_t ImageCacheLayout::num_fitting(std::uint64_t bytes) const {
  const auto past = std::partition_point(
      entries_.begin(), entries_.end(),
      [bytes](const ImageCacheEntry& entry) { return entry.offset + entry.bytes() <= bytes; });
  return static_cast<std::size_t>(past - entries_.begin());
}

}  // namespace gannet
