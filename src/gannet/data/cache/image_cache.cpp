#include "gannet/data/cache/image_cache.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/hash.h"
#include "gannet/core/log.h"
#include "gannet/core/memory.h"
#include "gannet/data/cache/file_stamp.h"
#include "gannet/data/cache/image_cache_layout.h"
#include "gannet/data/cache/mapped_image.h"
#include "gannet/data/cache/shared_file.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kEmpty = 0, kReady = 1, kClaimed = 2, kPidFactor = 4;

std::uint64_t claim_word() {
  return kClaimed + kPidFactor * static_cast<std::uint64_t>(::getpid());
}

bool is_claim(std::uint64_t word) { return word % kPidFactor == kClaimed; }

bool is_claimant_gone(std::uint64_t word) {
  return ::kill(static_cast<pid_t>(word / kPidFactor), 0) != 0 && errno == ESRCH;
}

/// Memory or disk that others have not taken.
std::uint64_t available_bytes(const ImageCacheOptions& options) {
  if (options.kind == ImageCacheKind::kRam) return available_memory_bytes();
  struct statvfs status {};
  if (::statvfs(options.folder.c_str(), &status) != 0) return 0;
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

/// The file is named by the set and its settings; what its images are like now is in its head, so
/// that a cache of older images is replaced and not left behind.
struct Keys {
  std::uint64_t name = 0, content = 0;
};

Keys keys_of(const CachedImages& images) {
  std::string set = images.settings + '\n', content;
  for (std::size_t i = 0; i < images.paths.size(); ++i) {
    const FileStamp stamp = file_stamp(images.paths[i]);
    const cv::Size size = images.sizes.at(i);
    set += fs::absolute(images.paths[i]).string() + '\n';
    content += fmt::format("{} {} {} {} {} {}\n", stamp.size, stamp.mtime_ns, stamp.ctime_ns,
                           stamp.inode, size.width, size.height);
  }
  return {fnv1a64(set), fnv1a64(set + content)};
}

}  // namespace

struct ImageCache::Impl {
  Impl(const CachedImages& images, const ImageCacheOptions& options_in)
      : Impl(images, options_in, keys_of(images)) {}

  Impl(const CachedImages& images, const ImageCacheOptions& options_in, const Keys& keys)
      : options(options_in), layout(keys.content, images.sizes) {
    spec.folder = options.folder;
    spec.name = fmt::format("images-{:016x}", keys.name);
    spec.head = layout.head();
    spec.bytes = layout.file_bytes();
    spec.zeroed_from = layout.states_begin();
    spec.zeroed_to = layout.data_begin();
  }

  ~Impl() {
    if (options.kind != ImageCacheKind::kRam || !states || owner_process != ::getpid()) return;
    try {
      const FolderLock lock(spec.folder);
      leave_memory_file(spec, file);
    } catch (const Error& error) {
      log_debug("image cache: {}", error.what());
    }
  }

  void open_file() {
    make_folder();
    const FolderLock lock(spec.folder);
    SharedFile shared =
        options.kind == ImageCacheKind::kRam ? open_memory_file(spec) : open_kept_file(spec);
    file = std::move(shared.file);
    states = std::make_unique<Mapping>(file, layout.data_begin(), true);
    if (shared.alone) drop_claims();
    const std::uint64_t available = available_bytes(options);
    margin = memory_reserve(available);
    room = std::min(options.max_bytes, bytes_taken(file) + available - margin);
    num_fitting = layout.num_fitting(room);
    pixels = std::make_shared<Mapping>(file, layout.end_of(num_fitting), false);
    checked = std::make_unique<std::atomic<bool>[]>(num_fitting);
  }

  /// A cache in memory does without a folder, then for itself.
  void make_folder() {
    if (spec.folder.empty()) return;
    std::error_code failed;
    fs::create_directories(spec.folder, failed);
    if (options.kind == ImageCacheKind::kRam && ::access(spec.folder.c_str(), W_OK | X_OK) != 0) {
      log_warning("{} cannot be written: the image cache is not shared with other processes",
                  spec.folder.string());
      spec.folder.clear();
    }
  }

  /// Claims of processes that ended before they were done.
  void drop_claims() {
    for (std::size_t i = 0; i < layout.size(); ++i) {
      if (is_claim(word(i).load())) word(i).store(kEmpty);
    }
  }

  void report() const {
    constexpr double kMegabyte = 1e6;
    const auto needed = static_cast<double>(layout.file_bytes()) / kMegabyte;
    const auto place = options.kind == ImageCacheKind::kRam
                           ? std::string("memory")
                           : fmt::format("{}", (spec.folder / spec.name).string());
    const std::string rest =
        num_fitting == layout.size() ? "" : "; the others are decoded again each time";
    log_info(
        "image cache: {} of {} images ({:.0f} MB) fit into the {:.0f} MB of {}, {} are there "
        "already{}",
        num_fitting, layout.size(), needed, static_cast<double>(room) / kMegabyte, place,
        num_ready(), rest);
  }

  std::size_t num_ready() const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < num_fitting; ++i) count += word(i).load() == kReady;
    return count;
  }

  ImageCacheState& state(std::size_t i) const {
    return reinterpret_cast<ImageCacheState*>(states->bytes() + layout.states_begin())[i];
  }
  std::atomic_ref<std::uint64_t> word(std::size_t i) const {
    return std::atomic_ref<std::uint64_t>(state(i).word);
  }
  std::atomic_ref<std::uint64_t> checksum(std::size_t i) const {
    return std::atomic_ref<std::uint64_t>(state(i).checksum);
  }

  /// The cached image, or nothing.
  cv::Mat find(std::size_t i) {
    if (word(i).load(std::memory_order_acquire) != kReady) return {};
    const ImageCacheEntry& entry = layout.entry(i);
    const std::uint8_t* begin = pixels->bytes() + entry.offset;
    if (options.kind == ImageCacheKind::kDisk && !checked[i].load(std::memory_order_relaxed)) {
      // The machine may have stopped before the pixels reached the disk.
      if (checksum64(begin, entry.bytes()) != checksum(i).load(std::memory_order_relaxed)) {
        std::uint64_t expected = kReady;
        word(i).compare_exchange_strong(expected, kEmpty);
        return {};
      }
      checked[i].store(true, std::memory_order_relaxed);
    }
    return mapped_image(begin, entry.rows, entry.cols, pixels);
  }

  /// Whether this thread shall put the image into the cache.
  bool claim(std::size_t i) {
    std::uint64_t seen = word(i).load(std::memory_order_acquire);
    if (seen != kEmpty && !(is_claim(seen) && is_claimant_gone(seen))) return false;
    return has_room() && word(i).compare_exchange_strong(seen, claim_word());
  }

  /// False once there is no more room, be it that others have taken it.
  bool has_room() {
    constexpr int kClaimsPerLook = 16;  // asking the system takes as long as a small image
    if (full.load(std::memory_order_relaxed)) return false;
    if (num_claims++ % kClaimsPerLook == 0 && available_bytes(options) < margin / 2) stop_filling();
    return !full.load(std::memory_order_relaxed);
  }

  void stop_filling() {
    if (full.exchange(true)) return;
    log_warning(
        "image cache: no more room after {} of {} images; the others are decoded again "
        "each time",
        num_ready(), layout.size());
  }

  void release(std::size_t i) { word(i).store(kEmpty, std::memory_order_release); }

  /// Ends a claim with the image, or with nothing if it cannot be kept.
  void keep(std::size_t i, const cv::Mat& image) {
    const ImageCacheEntry& entry = layout.entry(i);
    const bool expected = image.type() == CV_8UC3 && image.isContinuous() &&
                          image.rows == entry.rows && image.cols == entry.cols;
    if (!expected) return release(i);
    // Written, not copied into the mapping: there a full disk would end the process.
    if (!write_at(file, image.data, entry.bytes(), entry.offset)) {
      release(i);
      return stop_filling();
    }
    checksum(i).store(checksum64(image.data, entry.bytes()), std::memory_order_relaxed);
    checked[i].store(true, std::memory_order_relaxed);
    word(i).store(kReady, std::memory_order_release);
  }

  void throw_if_failed(std::size_t i) {
    const std::scoped_lock lock(mutex);
    const auto found = failures.find(i);
    if (found != failures.end()) throw Error(found->second);
  }

  cv::Mat decode_once(std::size_t i, const std::function<cv::Mat()>& decode) {
    throw_if_failed(i);
    try {
      return decode();
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kData) {
        const std::scoped_lock lock(mutex);
        failures.emplace(i, error);
      }
      throw;
    }
  }

  ImageCacheOptions options;
  ImageCacheLayout layout;
  SharedFileSpec spec;
  Descriptor file;
  const pid_t owner_process = ::getpid();
  std::unique_ptr<Mapping> states;  // header, index and states, writable
  std::shared_ptr<Mapping> pixels;  // all that fits, read-only
  std::uint64_t room = 0, margin = 0;
  std::size_t num_fitting = 0;
  std::unique_ptr<std::atomic<bool>[]> checked;  // images whose checksum is known to be right
  std::atomic<bool> full = false;
  std::atomic<unsigned> num_claims = 0;
  std::mutex mutex;
  std::unordered_map<std::size_t, Error> failures;
};

ImageCacheKind image_cache_kind(const std::string& word) {
  if (word.empty()) return ImageCacheKind::kNone;
  if (word == "ram") return ImageCacheKind::kRam;
  if (word == "disk") return ImageCacheKind::kDisk;
  throw Error(ErrorKind::kUsage, fmt::format("'{}' is neither ram nor disk", word),
              {{}, 0, "cache_images"});
}

std::shared_ptr<const ImageCache> ImageCache::open(const CachedImages& images,
                                                   const ImageCacheOptions& options) {
  GANNET_CHECK(images.paths.size() == images.sizes.size(), "every image needs a size");
  if (options.kind == ImageCacheKind::kNone) return nullptr;
  try {
    if (options.kind == ImageCacheKind::kDisk && options.folder.empty()) {
      throw Error(ErrorKind::kIo, "no cache folder", {}, "set XDG_CACHE_HOME or HOME");
    }
    auto impl = std::make_unique<Impl>(images, options);
    impl->open_file();
    impl->report();
    return std::shared_ptr<const ImageCache>(new ImageCache(std::move(impl)));
  } catch (const std::exception& error) {  // of ours or of std::filesystem
    log_warning("image cache not used, images are decoded each time: {}", error.what());
    return nullptr;
  }
}

ImageCache::ImageCache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ImageCache::~ImageCache() = default;

cv::Mat ImageCache::get(std::size_t i, const std::function<cv::Mat()>& decode) const {
  if (i >= impl_->num_fitting) return impl_->decode_once(i, decode);
  if (cv::Mat view = impl_->find(i); !view.empty()) return view;
  const bool claimed = impl_->claim(i);
  try {
    cv::Mat image = impl_->decode_once(i, decode);
    if (claimed) impl_->keep(i, image);
    return image;
  } catch (...) {
    if (claimed) impl_->release(i);
    throw;
  }
}

std::size_t ImageCache::num_fitting() const { return impl_->num_fitting; }
std::size_t ImageCache::num_ready() const { return impl_->num_ready(); }

}  // namespace gannet
