#include "gannet/detect/detect_files.h"

#include <fmt/format.h>
#include <glob.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <opencv2/core.hpp>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/data/image_io.h"
#include "gannet/data/image_list.h"
#include "gannet/viz/draw.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> expand_glob(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i)
      if (has_image_suffix(found.gl_pathv[i])) paths.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  return paths;
}

std::vector<std::string> find_images(const std::string& source) {
  std::vector<std::string> paths;
  if (source.find_first_of("*?[") != std::string::npos && !fs::exists(source)) {
    paths = expand_glob(source);
  } else if (fs::is_regular_file(source) && has_image_suffix(source)) {
    paths.push_back(source);
  } else if (fs::exists(source)) {
    paths = list_images({source}).paths;
  } else {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' does not exist", source), {{}, 0, "--source"},
                "give an image, a folder or a glob");
  }
  if (paths.empty())
    throw Error(ErrorKind::kUsage, fmt::format("'{}' holds no images", source),
                {{}, 0, "--source"});
  return paths;
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

}  // namespace

DetectSummary detect_files(const DetectSettings& settings,
                           const std::function<void(const ImageDetections&)>& on_image) {
  const auto paths = find_images(settings.source);
  Detector detector = Detector::load(settings.weights, detector_options(settings));
  const fs::path output = settings.output;
  std::error_code error;
  fs::create_directories(output, error);
  if (error)
    throw Error(ErrorKind::kIo, "cannot make the output folder: " + error.message(),
                {output.string(), 0, {}});

  DetectSummary summary;
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& path : paths) {
    cv::Mat image;
    try {
      image = decode_image(path);
    } catch (const Error& e) {
      log_warning("{}", e.what());
      ++summary.failed;
      continue;
    }
    ImageDetections result;
    result.path = path;
    result.detections = detector.detect(
        {image.data, image.cols, image.rows, static_cast<std::ptrdiff_t>(image.step)});
    result.timing = detector.timing();
    round_corners(result.detections);
    draw_detections(image, result.detections);
    result.output_path = (output / fs::path(path).filename()).string();
    save_picture(result.output_path, image);
    if (settings.save_txt)
      write_file_atomically((output / fs::path(path).stem()).string() + ".txt",
                            label_text(result.detections, image.size()));
    result.number = ++summary.images;
    result.total = static_cast<int>(paths.size());
    summary.detections += static_cast<std::int64_t>(result.detections.size());
    if (on_image) on_image(result);
  }
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary;
}

}  // namespace gannet
