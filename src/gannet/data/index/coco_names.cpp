#include "gannet/data/index/coco_names.h"

#include "gannet/data/cache/file_stamp.h"
#include "gannet/data/index/label_cache.h"
#include "gannet/data/labels/coco_file.h"
#include "gannet/data/labels/coco_labels.h"

namespace gannet {

std::vector<std::string> coco_names(const std::string& json) {
  const LabelCache cache({{}, json, {}, false});
  LabelScan scan = cache.load();
  const FileStamp stamp = file_stamp(json);
  if (!scan.images.empty() && scan.images.front().label_stamp == stamp) return scan.summary.names;
  scan = {};
  for (const CocoCategory& category : sorted_categories(read_coco(json))) {
    scan.summary.names.push_back(category.name);
  }
  scan.paths.push_back(json);
  scan.images.emplace_back().label_stamp = stamp;
  cache.save(scan);
  return scan.summary.names;
}

}  // namespace gannet
