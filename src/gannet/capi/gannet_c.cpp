#include "gannet/capi/gannet_c.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <opencv2/core.hpp>
#include <span>
#include <string>
#include <vector>

#include "gannet/core/error.h"
#include "gannet/data/images/image_io.h"
#include "gannet/detect/detector.h"

struct gannet_detector {
  gannet::Detector detector;
};

namespace gannet {
namespace {

/// Fixed room, so that "out of memory" can be told, too.
struct LastError {
  char text[1024] = "";
};
thread_local LastError last_error;

gannet_status fail(gannet_status status, const char* why) {
  std::snprintf(last_error.text, sizeof last_error.text, "%s", why);
  return status;
}

gannet_status status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
    case ErrorKind::kConfig:
      return GANNET_ERROR_USAGE;
    case ErrorKind::kCheckpoint:
      return GANNET_ERROR_CHECKPOINT;
    case ErrorKind::kData:
      return GANNET_ERROR_DATA;
    case ErrorKind::kIo:
      return GANNET_ERROR_IO;
    default:
      return GANNET_ERROR_INTERNAL;
  }
}

/// Keeps exceptions on this side.
template <class Work>
gannet_status guarded(const Work& work) noexcept {
  try {
    work();
    return GANNET_OK;
  } catch (const Error& error) {
    return fail(status_of(error.kind()), error.what());
  } catch (const std::exception& error) {
    return fail(GANNET_ERROR_INTERNAL, error.what());
  } catch (...) {
    return fail(GANNET_ERROR_INTERNAL, "an unknown exception");
  }
}

void require(bool condition, const char* what) {
  if (!condition) throw Error(ErrorKind::kUsage, what);
}

gannet_options default_options() {
  const DetectorOptions defaults;
  gannet_options options = {};
  options.size = sizeof options;
  options.image_size = defaults.image_size;
  options.confidence = defaults.confidence;
  options.iou = defaults.iou;
  options.max_detections = defaults.max_detections;
  return options;
}

/// What the program knows of the options, and the defaults of what has been added since.
gannet_options complete(const gannet_options* given) {
  gannet_options options = default_options();
  if (given == nullptr) return options;
  require(given->size >= sizeof given->size && given->size <= sizeof options,
          "options.size is not that of gannet_options: call gannet_init_options first");
  std::memcpy(&options, given, given->size);
  return options;
}

DetectorOptions detector_options(const gannet_options* given) {
  const gannet_options options = complete(given);
  constexpr int kMaxImageSize_px = 16384;
  require(options.image_size > 0 && options.image_size <= kMaxImageSize_px,
          "options.image_size is not in 1 to 16384");
  require(options.confidence == -1 || (options.confidence >= 0 && options.confidence <= 1),
          "options.confidence is neither in 0 to 1 nor -1");
  require(options.iou >= 0 && options.iou <= 1, "options.iou is not in 0 to 1");
  require(options.max_detections > 0, "options.max_detections is not positive");
  require(options.num_classes == 0 || options.classes != nullptr, "options.classes is NULL");
  DetectorOptions result;
  if (options.device != nullptr) result.device = options.device;
  if (options.precision != nullptr) result.precision = options.precision;
  result.image_size = options.image_size;
  result.confidence = options.confidence;
  result.iou = options.iou;
  result.classes.assign(options.classes, options.classes + options.num_classes);
  result.agnostic = options.agnostic != 0;
  result.augment = options.augment != 0;
  result.merge = options.merge != 0;
  result.max_detections = options.max_detections;
  return result;
}

ImageView view_of(const gannet_image& image) {
  require(image.data != nullptr, "image.data is NULL");
  require(image.width > 0 && image.height > 0, "an image without pixels");
  require(image.order >= GANNET_BGR && image.order <= GANNET_GREY,
          "image.order is none of gannet_order");
  const std::int64_t channels = image.order == GANNET_GREY ? 1 : 3;
  require(image.row_bytes == 0 || image.row_bytes >= image.width * channels,
          "image.row_bytes is less than a row");
  static_assert(int{GANNET_BGR} == static_cast<int>(ChannelOrder::kBgr) &&
                int{GANNET_RGB} == static_cast<int>(ChannelOrder::kRgb) &&
                int{GANNET_GREY} == static_cast<int>(ChannelOrder::kGrey));
  return {image.data, image.width, image.height, image.row_bytes,
          static_cast<ChannelOrder>(image.order)};
}

gannet_detections to_c(const std::vector<Detection>& found) {
  gannet_detections result = {nullptr, found.size()};
  if (found.empty()) return result;
  result.items = new gannet_detection[found.size()];
  std::transform(found.begin(), found.end(), result.items, [](const Detection& d) {
    return gannet_detection{d.box_px.x1, d.box_px.y1, d.box_px.x2,
                            d.box_px.y2, d.score,     d.class_id};
  });
  return result;
}

/// All images or none: what a failure leaves is empty.
void detect_into(const gannet_detector* detector, const std::vector<ImageView>& images,
                 std::span<gannet_detections> found) {
  require(detector != nullptr, "the detector is NULL");
  const BatchDetections batch = detector->detector.detect_batch(images);
  try {
    std::transform(batch.images.begin(), batch.images.end(), found.begin(), to_c);
  } catch (...) {
    for (gannet_detections& one : found) gannet_free_detections(&one);
    throw;
  }
}

/// The caller's array of results, emptied.
std::span<gannet_detections> emptied(gannet_detections* found, std::size_t count) {
  require(found != nullptr || count == 0, "there is no place for the results");
  std::fill_n(found, count, gannet_detections{nullptr, 0});
  return {found, count};
}

}  // namespace
}  // namespace gannet

using gannet::guarded;
using gannet::require;

const char* gannet_version() { return GANNET_VERSION; }
const char* gannet_last_error() { return gannet::last_error.text; }

gannet_status gannet_init_options(gannet_options* options, size_t size) {
  return guarded([&] {
    require(options != nullptr, "the options are NULL");
    const gannet_options defaults = gannet::default_options();
    require(size >= sizeof options->size && size <= sizeof defaults,
            "the program was made for a newer libgannet");
    std::memcpy(options, &defaults, size);
    options->size = size;
  });
}

gannet_status gannet_load(const char* checkpoint, const gannet_options* options,
                          gannet_detector** detector) {
  return gannet_load_ensemble(&checkpoint, 1, options, detector);
}

gannet_status gannet_load_ensemble(const char* const* checkpoints, size_t num_checkpoints,
                                   const gannet_options* options, gannet_detector** detector) {
  return guarded([&] {
    require(detector != nullptr, "there is no place for the detector");
    *detector = nullptr;
    require(checkpoints != nullptr && num_checkpoints > 0, "there is no checkpoint");
    const std::span<const char* const> paths(checkpoints, num_checkpoints);
    require(std::count(paths.begin(), paths.end(), nullptr) == 0, "a checkpoint is NULL");
    *detector = new gannet_detector{gannet::Detector::load_ensemble(
        {paths.begin(), paths.end()}, gannet::detector_options(options))};
  });
}

void gannet_free_detector(gannet_detector* detector) { delete detector; }

gannet_status gannet_detect(const gannet_detector* detector, const gannet_image* image,
                            gannet_detections* found) {
  return gannet_detect_batch(detector, image, 1, found);
}

gannet_status gannet_detect_batch(const gannet_detector* detector, const gannet_image* images,
                                  size_t num_images, gannet_detections* found) {
  return guarded([&] {
    const std::span<gannet_detections> results = gannet::emptied(found, num_images);
    require(images != nullptr || num_images == 0, "the images are NULL");
    std::vector<gannet::ImageView> views(num_images);
    std::transform(images, images + num_images, views.begin(), gannet::view_of);
    gannet::detect_into(detector, views, results);
  });
}

gannet_status gannet_detect_encoded(const gannet_detector* detector, const void* bytes,
                                    size_t num_bytes, gannet_detections* found) {
  return guarded([&] {
    const std::span<gannet_detections> results = gannet::emptied(found, 1);
    require(bytes != nullptr, "the bytes are NULL");
    const auto* begin = static_cast<const std::uint8_t*>(bytes);
    const cv::Mat picture = gannet::decode_image({begin, begin + num_bytes}, "picture");
    gannet::detect_into(
        detector,
        {{picture.data, picture.cols, picture.rows, static_cast<std::ptrdiff_t>(picture.step)}},
        results);
  });
}

void gannet_free_detections(gannet_detections* found) {
  if (found == nullptr) return;
  delete[] found->items;
  *found = {nullptr, 0};
}

size_t gannet_num_classes(const gannet_detector* detector) {
  return detector == nullptr ? 0 : detector->detector.names().size();
}

const char* gannet_class_name(const gannet_detector* detector, int32_t class_id) {
  if (class_id < 0 || static_cast<size_t>(class_id) >= gannet_num_classes(detector)) return nullptr;
  return detector->detector.names()[static_cast<size_t>(class_id)].c_str();
}

int32_t gannet_image_size(const gannet_detector* detector) {
  return detector == nullptr ? 0 : detector->detector.image_size();
}
