#include "gannet/data/index/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/parallel.h"
#include "gannet/data/images/image_io.h"
#include "gannet/data/images/image_list.h"
#include "gannet/data/labels/coco_labels.h"

namespace gannet {
namespace {

constexpr int kMinSide_px = 10;
constexpr std::int64_t kProgressStep = 512;
// Coarsest step of a file system's clock here: a file changed so shortly before a scan may change
// again and keep its time.
constexpr std::int64_t kClockStep_ns = 20'000'000;

std::int64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

void scan_image(const AnnotationReader& reader, const std::string& path, ScannedImage& scan) {
  ImageShape shape;
  try {
    shape = read_image_shape(path);
    scan.width = shape.width;
    scan.height = shape.height;
    if (std::min(shape.width, shape.height) < kMinSide_px) {
      scan.image_problem = fmt::format("{}: image of {} x {} pixels is too small, left out", path,
                                       shape.width, shape.height);
    }
  } catch (const Error& error) {
    scan.image_problem = fmt::format("{}: {}, left out", path, error.message());
  }
  if (!scan.label_stamp.exists() || !scan.image_problem.empty()) return;
  try {
    scan.parsed = reader.read(path, shape);
  } catch (const Error& error) {
    scan.parsed.problems.push_back(error.what());
  }
}

/// One scan: stamps first, and only what changed since `known` is read.
class Scanner {
 public:
  Scanner(AnnotationReader& reader, std::vector<std::string> paths, LabelScan known,
          const IndexOptions& options)
      : reader_(reader), known_(std::move(known)), options_(options) {
    scan_.start_ns = now_ns();
    scan_.source = reader.description();
    scan_.paths = std::move(paths);
    scan_.images.resize(scan_.paths.size());
    if (known_.source != scan_.source) known_ = {};
    same_paths_ = scan_.paths == known_.paths;
  }

  /// Whether anything was read.
  bool run() {
    std::vector<std::uint8_t> is_known(scan_.paths.size());
    parallel_for(scan_.paths.size(), options_.num_threads,
                 [&](std::size_t i) { is_known[i] = reuse(i) ? 1 : 0; });
    const bool all =
        std::all_of(is_known.begin(), is_known.end(), [](auto known) { return known; });
    if (all && same_paths_) {
      scan_.summary = std::move(known_.summary);
      return false;
    }
    scan_.summary = reader_.prepare(scan_.paths);
    parallel_for(scan_.paths.size(), options_.num_threads, [&](std::size_t i) {
      if (is_known[i] == 0) scan_image(reader_, scan_.paths[i], scan_.images[i]);
      count();
    });
    return true;
  }

  LabelScan take() { return std::move(scan_); }

 private:
  /// Stamps an image and takes what the known scan has if its stamps are the same.
  bool reuse(std::size_t i) {
    const std::string& path = scan_.paths[i];
    ScannedImage& image = scan_.images[i];
    image.image_stamp = file_stamp(path);
    image.label_stamp = file_stamp(reader_.label_file(path));
    if (!image.label_stamp.exists()) {
      if (const std::string other = reader_.other_label_file(path); !other.empty())
        image.label_stamp = file_stamp(other);
    }
    ScannedImage* before = find_known(i);
    if (before == nullptr || before->image_stamp != image.image_stamp ||
        before->label_stamp != image.label_stamp || !is_settled(image.image_stamp) ||
        !is_settled(image.label_stamp)) {
      return false;
    }
    image = std::move(*before);
    return true;
  }

  /// The same image in the known scan; a list may name one several times.
  ScannedImage* find_known(std::size_t i) {
    const std::string& path = scan_.paths[i];
    if (same_paths_) return &known_.images[i];
    std::size_t repeats = 0;
    while (repeats < i && scan_.paths[i - repeats - 1] == path) ++repeats;
    const auto first = std::lower_bound(known_.paths.begin(), known_.paths.end(), path);
    const std::size_t at = static_cast<std::size_t>(first - known_.paths.begin()) + repeats;
    return at < known_.paths.size() && known_.paths[at] == path ? &known_.images[at] : nullptr;
  }

  bool is_settled(const FileStamp& stamp) const {
    return std::max(stamp.mtime_ns, stamp.ctime_ns) < known_.start_ns - kClockStep_ns;
  }

  void count() {
    if (!options_.progress) return;
    const std::int64_t done = ++num_done_;
    const auto total = static_cast<std::int64_t>(scan_.paths.size());
    if (done % kProgressStep != 0 && done != total) return;
    const std::scoped_lock lock(progress_mutex_);
    if (done <= told_) return;  // another thread was faster with a higher count
    told_ = done;
    options_.progress(done, total);
  }

  AnnotationReader& reader_;
  LabelScan known_, scan_;
  bool same_paths_ = false;
  const IndexOptions& options_;
  std::atomic<std::int64_t> num_done_ = 0;
  std::mutex progress_mutex_;
  std::int64_t told_ = 0;
};

bool is_json(const std::vector<std::string>& sources, const std::string& json) {
  return sources.size() == 1 && sources.front() == json;
}

/// Images of a split that a COCO json stands for: as the known scan says if the json is the same.
std::vector<std::string> images_of_json(const std::string& json, const LabelScan& known) {
  if (!known.images.empty() && known.images.front().label_stamp == file_stamp(json) &&
      known.images.front().image_stamp.exists() && file_stamp(known.paths.front()).exists()) {
    return known.paths;
  }
  return coco_image_paths(json, read_coco(json));
}

}  // namespace

LabelScan scan_images(const std::vector<std::string>& sources, const IndexOptions& options) {
  const AnnotationRequest request{sources, options.annotations, options.names,
                                  options.single_class};
  const LabelCache cache(request);
  LabelScan known = options.use_cache ? cache.load() : LabelScan{};
  const std::string json = coco_path(request);
  ImageList list;
  if (is_json(sources, json)) {
    list.paths = images_of_json(json, known);
  } else {
    list = list_images(sources, {.roots = options.roots});
  }
  const auto reader = make_annotation_reader(request, list.paths);
  Scanner scanner(*reader, std::move(list.paths), std::move(known), options);
  const bool is_new = scanner.run();
  LabelScan scan = scanner.take();
  scan.foreign = std::move(list.foreign);
  scan.num_subfolders = list.num_subfolders;
  if (is_new && options.use_cache) cache.save(scan);
  return scan;
}

}  // namespace gannet
