#include "gannet/data/image_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <functional>
#include <iterator>
#include <mutex>
#include <thread>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/data/image_io.h"
#include "gannet/data/image_list.h"
#include "gannet/data/label_cache.h"
#include "gannet/data/label_file.h"

namespace gannet {
namespace {

constexpr int kMinSide_px = 10;

/// Calls `work` with 0..count-1 from several threads; rethrows the first exception.
void for_each_index(std::size_t count, int num_threads,
                    const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto run = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < num_threads; ++i) threads.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

ScannedImage scan_image(const std::string& path, const std::string& labels,
                        const FileStamp& image_stamp, const FileStamp& label_stamp) {
  ScannedImage scan;
  scan.image_stamp = image_stamp;
  scan.label_stamp = label_stamp;
  try {
    const cv::Size size = read_image_size(path);
    scan.width = size.width;
    scan.height = size.height;
    if (std::min(size.width, size.height) < kMinSide_px) {
      scan.image_problem = fmt::format("{}: image of {} x {} pixels is too small, left out", path,
                                       size.width, size.height);
    }
  } catch (const Error& error) {
    scan.image_problem = fmt::format("{}: {}, left out", path, error.message());
  }
  if (!label_stamp.exists()) return scan;
  try {
    scan.parsed = parse_labels(read_file(labels), labels);
  } catch (const Error& error) {
    scan.parsed.problems.push_back(error.what());
  }
  return scan;
}

std::vector<ScannedImage> scan_images(const std::vector<std::string>& paths,
                                      const std::vector<std::string>& sources,
                                      const IndexOptions& options) {
  std::vector<ScannedImage> scans(paths.size());
  const LabelCache cache(sources);
  const ScanResults known = options.use_cache ? cache.load() : ScanResults{};
  std::atomic<std::size_t> num_scanned = 0;
  for_each_index(paths.size(), options.num_threads, [&](std::size_t i) {
    const std::string labels = label_path(paths[i]);
    const FileStamp image_stamp = file_stamp(paths[i]), label_stamp = file_stamp(labels);
    const auto found = known.find(paths[i]);
    if (found != known.end() && found->second.image_stamp == image_stamp &&
        found->second.label_stamp == label_stamp) {
      scans[i] = found->second;
      return;
    }
    scans[i] = scan_image(paths[i], labels, image_stamp, label_stamp);
    ++num_scanned;
  });
  if (options.use_cache && (num_scanned > 0 || known.size() != paths.size())) {
    cache.save(paths, scans);
  }
  return scans;
}

void check_classes(const std::string& path, const ParsedLabels& parsed,
                   const IndexOptions& options) {
  if (options.single_class || parsed.highest_class < options.num_classes) return;
  throw Error(
      ErrorKind::kData,
      fmt::format("class {} is not below nc = {}", parsed.highest_class, options.num_classes),
      {label_path(path), parsed.highest_class_line, {}},
      "correct the label, or nc and names of the data description");
}

void add_image(const std::string& path, ScannedImage scan, const IndexOptions& options,
               ImageIndex& index) {
  IndexReport& report = index.report;
  if (!scan.image_problem.empty()) {
    ++report.corrupt;
    report.problems.push_back(std::move(scan.image_problem));
    return;
  }
  check_classes(path, scan.parsed, options);
  std::move(scan.parsed.problems.begin(), scan.parsed.problems.end(),
            std::back_inserter(report.problems));
  report.duplicate_rows += scan.parsed.duplicate_rows;
  if (!scan.label_stamp.exists()) {
    ++report.missing;
  } else if (scan.parsed.labels.empty()) {
    ++report.empty;
  } else {
    ++report.found;
  }
  if (options.single_class) {
    for (Label& label : scan.parsed.labels) label.class_id = 0;
  }
  index.images.push_back({path, scan.width, scan.height, std::move(scan.parsed.labels), {}, -1});
}

}  // namespace

std::string label_path(const std::string& image_path) {
  namespace fs = std::filesystem;
  fs::path path(image_path);
  path.replace_extension(".txt");
  const std::string text = path.string();
  constexpr std::string_view kImages = "images";
  for (std::size_t at = text.rfind('/'); at != std::string::npos && at > 0;) {
    const std::size_t before = text.rfind('/', at - 1);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    if (std::string_view(text).substr(begin, at - begin) == kImages) {
      return text.substr(0, begin) + "labels" + text.substr(at);
    }
    at = before;
  }
  return text;
}

std::int64_t ImageIndex::num_labels() const {
  std::int64_t count = 0;
  for (const IndexedImage& image : images) count += static_cast<std::int64_t>(image.labels.size());
  return count;
}

std::vector<double> aspect_ratios(const ImageIndex& index) {
  std::vector<double> ratios;
  ratios.reserve(index.images.size());
  for (const IndexedImage& image : index.images) {
    ratios.push_back(static_cast<double>(image.height) / image.width);
  }
  return ratios;
}

ImageIndex build_image_index(const std::vector<std::string>& sources, const IndexOptions& options) {
  const std::vector<std::string> paths = list_images(sources);
  std::vector<ScannedImage> scans = scan_images(paths, sources, options);
  ImageIndex index;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    add_image(paths[i], std::move(scans[i]), options, index);
  }
  if (index.images.empty()) {
    throw Error(ErrorKind::kData, fmt::format("none of {} images can be used", paths.size()),
                {sources.front(), 0, {}}, index.report.problems.front());
  }
  return index;
}

void log_report(const ImageIndex& index, const std::string& name) {
  constexpr std::size_t kMaxShown = 20;
  const IndexReport& report = index.report;
  log_info(
      "{}: {} images, {} labels ({} images with labels, {} without file, {} empty, {} corrupt, "
      "{} repeated rows)",
      name, index.images.size(), index.num_labels(), report.found, report.missing, report.empty,
      report.corrupt, report.duplicate_rows);
  const std::size_t shown = std::min(report.problems.size(), kMaxShown);
  for (std::size_t i = 0; i < shown; ++i) log_warning("{}", report.problems[i]);
  if (report.problems.size() > shown) {
    log_warning("{}: {} more problems", name, report.problems.size() - shown);
  }
  if (report.found == 0) log_warning("{}: no image has labels", name);
}

}  // namespace gannet
