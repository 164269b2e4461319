#include "gannet/data/labels/coco_truth.h"

#include <fmt/format.h>

#include <algorithm>

#include "gannet/core/error.h"

namespace gannet {
namespace {

template <class Entry>
std::vector<std::int64_t> ids_of(const std::vector<Entry>& entries) {
  std::vector<std::int64_t> ids;
  for (const Entry& entry : entries) ids.push_back(entry.id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

bool holds(const std::vector<std::int64_t>& ascending, std::int64_t id) {
  return std::binary_search(ascending.begin(), ascending.end(), id);
}

}  // namespace

CocoTruthSet coco_truth(const CocoFile& file) {
  CocoTruthSet set{ids_of(file.images), ids_of(file.categories), {}};
  for (const CocoObject& object : file.objects) {
    if (!holds(set.image_ids, object.image_id)) continue;
    if (!holds(set.category_ids, object.category_id)) continue;
    const double area = object.area_px >= 0 ? object.area_px : object.box_px[2] * object.box_px[3];
    set.objects.push_back(
        {object.image_id, object.category_id, object.box_px, area, object.is_crowd});
  }
  return set;
}

void require_known_images(const std::vector<CocoDetection>& detections, const CocoTruthSet& truth,
                          const std::string& path) {
  for (const CocoDetection& detection : detections) {
    if (holds(truth.image_ids, detection.image_id)) continue;
    throw Error(ErrorKind::kData,
                fmt::format("a detection of image {}, which the annotations do not list",
                            detection.image_id),
                {path, 0, {}}, "name the annotations of the data set that was detected on");
  }
}

}  // namespace gannet
