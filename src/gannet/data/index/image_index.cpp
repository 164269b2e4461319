#include "gannet/data/index/image_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "gannet/config/data_description.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/text.h"
#include "gannet/data/images/image_list.h"
#include "gannet/data/index/coco_names.h"
#include "gannet/data/index/scan.h"
#include "gannet/data/labels/class_list.h"
#include "gannet/data/labels/label_path.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

void check_classes(const std::string& path, const ParsedLabels& parsed,
                   const IndexOptions& options) {
  if (options.single_class || parsed.highest_class < options.num_classes) return;
  throw Error(
      ErrorKind::kData,
      fmt::format("class {} is not below nc = {}", parsed.highest_class, options.num_classes),
      {exists(label_path(path)) ? label_path(path)
                                : fs::path(path).replace_extension(".txt").string(),
       parsed.highest_class_line,
       {}},
      "correct the label, or nc and names of the data description");
}

void check_names(const ParsedLabels& parsed, const IndexOptions& options) {
  if (parsed.unknown_class_path.empty()) return;
  std::string advice = "correct the label, or the names of the data description";
  if (!options.names.empty()) {
    advice = fmt::format("the names of the data description have '{}'; correct one of them",
                         nearest_name(parsed.unknown_class, options.names));
  }
  throw Error(ErrorKind::kData,
              fmt::format("class '{}' is not one of the {} names", parsed.unknown_class,
                          options.names.size()),
              {parsed.unknown_class_path, parsed.unknown_class_line, {}}, advice);
}

/// Counts an image; false if it is left out.
bool count_image(const ScannedImage& scan, IndexReport& report) {
  if (!scan.image_problem.empty()) {
    ++report.corrupt;
    report.problems.push_back(scan.image_problem);
    return false;
  }
  if (!scan.parsed.listed) {
    ++report.unlisted;
    return false;
  }
  const ParsedLabels& parsed = scan.parsed;
  report.problems.insert(report.problems.end(), parsed.problems.begin(), parsed.problems.end());
  report.duplicate_rows += parsed.duplicate_rows;
  report.crowd += static_cast<std::int64_t>(parsed.crowd.size());
  report.difficult += std::count(parsed.difficult.begin(), parsed.difficult.end(), 1);
  if (!scan.label_stamp.exists()) {
    ++report.missing;
  } else if (parsed.labels.empty()) {
    ++report.empty;
  } else {
    ++report.found;
  }
  return true;
}

void add_image(const std::string& path, ScannedImage scan, const IndexOptions& options,
               ImageIndex& index) {
  ParsedLabels& parsed = scan.parsed;
  if (!count_image(scan, index.report)) return;
  check_classes(path, parsed, options);
  check_names(parsed, options);
  if (options.single_class) {
    for (Label& label : parsed.labels) label.class_id = 0;
  }
  index.images.push_back({path, scan.width, scan.height, std::move(parsed.labels),
                          std::move(parsed.polygons), parsed.image_id, std::move(parsed.difficult),
                          std::move(parsed.crowd)});
}

}  // namespace

std::int64_t ImageIndex::num_labels() const {
  std::int64_t count = 0;
  for (const IndexedImage& image : images) count += static_cast<std::int64_t>(image.labels.size());
  return count;
}

std::string coco_json_of(const ImageIndex& index) {
  return index.source.starts_with(kCocoSource) ? index.source.substr(kCocoSource.size()) : "";
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
  LabelScan scan = scan_images(sources, options);
  ImageIndex index;
  index.source = std::move(scan.source);
  index.category_ids = std::move(scan.summary.category_ids);
  index.report.problems = std::move(scan.summary.problems);
  index.report.absent = scan.summary.num_absent;
  index.report.foreign = std::move(scan.foreign);
  index.report.subfolders = scan.num_subfolders;
  index.images.reserve(scan.paths.size());
  for (std::size_t i = 0; i < scan.paths.size(); ++i) {
    add_image(scan.paths[i], std::move(scan.images[i]), options, index);
  }
  if (index.source == kYoloText && !options.single_class) {
    const auto wrong = check_class_lists(scan.paths, options.names);
    index.report.problems.insert(index.report.problems.begin(), wrong.begin(), wrong.end());
  }
  if (index.images.empty()) {
    throw Error(ErrorKind::kData, fmt::format("none of {} images can be used", scan.paths.size()),
                {sources.front(), 0, {}},
                index.report.problems.empty() ? "" : index.report.problems.front());
  }
  return index;
}

ImageIndex build_split_index(const DataDescription& data, const std::string& split,
                             IndexOptions options) {
  const std::vector<std::string>& sources = data.images_of(split);
  if (sources.empty()) {
    throw Error(ErrorKind::kData, "names no images", {data.file, 0, split},
                "name a folder of images or a list file");
  }
  options.num_classes = data.num_classes;
  options.names = data.names;
  options.annotations = data.annotations_of(split);
  options.roots = data.roots;
  return build_image_index(sources, options);
}

void complete_names(DataDescription& data) {
  if (!data.names.empty()) return;
  for (const char* split : {"train", "val", "test"}) {
    const std::string json = coco_path({data.images_of(split), data.annotations_of(split), {}});
    if (json.empty()) continue;
    data.names = coco_names(json);
    data.num_classes = static_cast<int>(data.names.size());
    break;
  }
  if (data.names.empty()) {
    throw Error(ErrorKind::kConfig, "missing", {data.file, 0, "names"},
                "give a list of class names");
  }
}

void log_report(const ImageIndex& index, const std::string& name) {
  constexpr std::size_t kMaxShown = 20;
  const IndexReport& report = index.report;
  std::string line = fmt::format(
      "{}: {}: {} images, {} labels ({} images with labels, {} without file, {} empty, {} corrupt, "
      "{} repeated rows",
      name, index.source, index.images.size(), index.num_labels(), report.found, report.missing,
      report.empty, report.corrupt, report.duplicate_rows);
  const auto add = [&](std::int64_t count, const char* what) {
    if (count > 0) line += fmt::format(", {} {}", count, what);
  };
  add(report.crowd, "crowd regions left out");
  add(report.difficult, "labels marked difficult");
  add(report.unlisted, "images not in the annotation file left out");
  add(report.absent, "images of the annotation file not in this split");
  log_info("{})", line);
  if (!report.foreign.empty())
    log_warning(
        "{}: {} pictures are of formats that are not read, left out: {} (convert them to "
        "JPEG or PNG)",
        name, report.foreign.size(), name_some(report.foreign));
  if (report.subfolders > 0)
    log_warning("{}: subfolders that are not searched: {} (name them in the data description)",
                name, report.subfolders);
  const std::size_t shown = std::min(report.problems.size(), kMaxShown);
  for (std::size_t i = 0; i < shown; ++i) log_warning("{}", report.problems[i]);
  if (report.problems.size() > shown) {
    log_warning("{}: {} more problems", name, report.problems.size() - shown);
  }
  if (report.found == 0) log_warning("{}: no image has labels", name);
}

}  // namespace gannet
