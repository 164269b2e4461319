// Decoded images at training size, once for a machine: in memory or on the disk, in one file that
// all processes of a run map. Filled on first use, so that a run starts at once and each image is
// still decoded once only; a reader never waits for another one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "gannet/data/cache/cache_folder.h"

namespace gannet {

enum class ImageCacheKind {
  kNone,
  kRam,   // gone with the last process that uses it
  kDisk,  // in the user's cache folder, found again by the next run
};

/// From a setting: "" (none), "ram" or "disk". Throws Error (kUsage) for another word.
ImageCacheKind image_cache_kind(const std::string& word);

/// What is cached. A change of anything here, or of a file's size or time, makes another cache.
struct CachedImages {
  std::vector<std::string> paths;
  std::vector<cv::Size> sizes;  // as cached
  std::string settings;         // names all else that decides the pixels
};

struct ImageCacheOptions {
  ImageCacheKind kind = ImageCacheKind::kRam;
  std::filesystem::path folder = user_cache_folder();
  std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max();  // also: what there is
};

inline const ImageCacheOptions kNoImageCache = {ImageCacheKind::kNone, {}, 0};

/// Thread-safe, and safe beside other processes, also when they are killed.
class ImageCache {
 public:
  /// Opens or makes the cache and says in one line how many images fit; the first ones are cached.
  /// Empty, with a warning, if there is no place for a cache.
  static std::shared_ptr<const ImageCache> open(const CachedImages& images,
                                                const ImageCacheOptions& options);
  ~ImageCache();

  /// Image `i`: a view of the cache that must not be written to and keeps the cache's memory alive,
  /// or what `decode` gives. That is kept if there is room and it has the size that was announced.
  /// An Error of kind kData from `decode` is kept as well, for as long as this object lives.
  cv::Mat get(std::size_t i, const std::function<cv::Mat()>& decode) const;

  /// Images that may be cached: the first ones.
  std::size_t num_fitting() const;
  /// Images in the cache now, whoever put them there.
  std::size_t num_ready() const;

 private:
  struct Impl;
  explicit ImageCache(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gannet
