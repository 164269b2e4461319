#include "gannet/detect/detect_files.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <set>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/run_directory.h"
#include "gannet/core/stopwatch.h"
#include "gannet/data/images/glob.h"
#include "gannet/data/images/image_io.h"
#include "gannet/data/images/image_list.h"
#include "gannet/detect/output_plan.h"
#include "gannet/viz/draw.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// What there is beside the images that are taken.
void tell_what_is_left(const ImageList& list, const std::string& source) {
  if (!list.foreign.empty())
    log_warning("{}: {} pictures are of formats that are not read, left out: {}", source,
                list.foreign.size(), name_some(list.foreign));
  if (list.num_subfolders > 0)
    log_warning("{}: subfolders that are not searched: {} (--recursive does)", source,
                list.num_subfolders);
}

/// Of the paths that match a pattern; folders among them count as folders.
ImageList list_matches(const std::string& pattern, bool recursive) {
  ImageList list;
  for (const std::string& path : glob(pattern)) {
    if (has_image_suffix(path)) {
      list.paths.push_back(path);
    } else if (has_foreign_image_suffix(path)) {
      list.foreign.push_back(path);
    } else if (recursive && fs::is_directory(path)) {
      ImageList below = list_images({path}, {.recursive = true});
      list.paths.insert(list.paths.end(), below.paths.begin(), below.paths.end());
    } else if (fs::is_directory(path)) {
      ++list.num_subfolders;
    }
  }
  return list;
}

std::vector<std::string> find_images(const DetectSettings& settings) {
  const std::string& source = settings.source;
  const Where where{{}, 0, "--source"};
  ImageList list;
  std::error_code ignored;
  if (fs::is_regular_file(source, ignored) && has_image_suffix(source)) return {source};
  if (fs::is_regular_file(source, ignored) && has_foreign_image_suffix(source))
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is of a format that is not read", source),
                where, "convert it to JPEG or PNG");
  try {
    if (fs::exists(source, ignored)) {
      list = list_images({source}, {.recursive = settings.recursive});
    } else if (is_glob(source)) {
      list = list_matches(source, settings.recursive);
    } else {
      throw Error(ErrorKind::kUsage, fmt::format("'{}' does not exist", source), where,
                  "give an image, a folder, a glob or a list file");
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kUsage) throw;
    throw Error(ErrorKind::kUsage, fmt::format("'{}': {}", source, error.message()), where,
                error.advice());
  }
  tell_what_is_left(list, source);
  if (list.paths.empty())
    throw Error(ErrorKind::kUsage, fmt::format("'{}' holds no images that can be read", source),
                where);
  return list.paths;
}

// Corners as whole pixels: what is drawn is what is written (RB 10.1).
void round_corners(std::vector<Detection>& detections) {
  for (Detection& d : detections)
    d.box_px = {std::nearbyint(d.box_px.x1), std::nearbyint(d.box_px.y1),
                std::nearbyint(d.box_px.x2), std::nearbyint(d.box_px.y2)};
}

// Rows "class cx cy w h", normalised by the image size (RB 7.5).
std::string label_text(const std::vector<Detection>& detections, const cv::Size& size) {
  std::string text;
  const auto width = static_cast<double>(size.width), height = static_cast<double>(size.height);
  for (const Detection& d : detections) {
    const Box& b = d.box_px;
    text += fmt::format("{} {:g} {:g} {:g} {:g}\n", d.class_id, (b.x1 + b.x2) / 2 / width,
                        (b.y1 + b.y2) / 2 / height, b.width() / width, b.height() / height);
  }
  return text;
}

DetectorOptions detector_options(const DetectSettings& s) {
  DetectorOptions options;
  options.device = s.device;
  options.precision = s.precision;
  options.image_size = s.img_size;
  options.confidence = s.conf_thres;
  options.iou = s.iou_thres;
  options.classes = s.classes;
  options.agnostic = s.agnostic_nms;
  options.augment = s.augment;
  options.max_detections = s.max_det;
  return options;
}

struct LineWriter {
  std::string& text;
  template <class T>
  void operator()(const char* name, const T& value, const char*, Range) const {
    const nlohmann::json json = value;  // whose text is YAML as well
    text += fmt::format("{}: {}\n", name,
                        json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
};

std::string settings_text(const DetectSettings& settings) {
  std::string text;
  fields_of_detect(LineWriter{text}, settings);
  return text;
}

void make_folders(const std::vector<PlannedImage>& plan, const fs::path& output) {
  std::set<fs::path> folders = {output};
  for (const PlannedImage& image : plan) folders.insert(image.picture.parent_path());
  for (const fs::path& folder : folders) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error)
      throw Error(ErrorKind::kIo, "cannot make the output folder: " + error.message(),
                  {folder.string(), 0, {}});
  }
}

}  // namespace

DetectSummary detect_files(const DetectSettings& settings,
                           const std::function<void(const ImageDetections&)>& on_image) {
  const auto sources = find_images(settings);
  const bool has_own_folder = settings.output.empty();
  fs::path output = settings.output;
  if (!has_own_folder)  // before the model is loaded, which takes a while
    check_outputs(plan_outputs(sources, output), output, settings.save_txt, settings.exist_ok);
  const Detector detector = Detector::load(settings.weights, detector_options(settings));
  if (has_own_folder)
    output = create_run_directory(settings.project, settings.name, settings.exist_ok);
  const std::vector<PlannedImage> plan = plan_outputs(sources, output);
  if (has_own_folder) check_outputs(plan, output, settings.save_txt, true);
  make_folders(plan, output);
  write_file_atomically(output / kMarkerFile, settings_text(settings));

  DetectSummary summary;
  const Stopwatch watch;
  summary.output = output.string();
  for (const PlannedImage& planned : plan) {
    cv::Mat image;
    try {
      image = decode_image(planned.source);
    } catch (const Error& e) {
      log_warning("{}", e.what());
      ++summary.failed;
      continue;
    }
    ImageDetections result;
    result.path = planned.source;
    BatchDetections found = detector.detect_batch(
        {{image.data, image.cols, image.rows, static_cast<std::ptrdiff_t>(image.step)}});
    result.detections = std::move(found.images.front());
    result.seconds = found.inference_seconds + found.nms_seconds;
    result.input_height = found.input_height;
    result.input_width = found.input_width;
    round_corners(result.detections);
    draw_detections(image, result.detections);
    result.output_path = planned.picture.string();
    save_picture(result.output_path, image);
    if (settings.save_txt)
      write_file_atomically(planned.labels, label_text(result.detections, image.size()));
    result.number = ++summary.images;
    result.total = static_cast<int>(plan.size());
    summary.detections += static_cast<std::int64_t>(result.detections.size());
    if (on_image) on_image(result);
  }
  summary.seconds = watch.seconds();
  return summary;
}

}  // namespace gannet
