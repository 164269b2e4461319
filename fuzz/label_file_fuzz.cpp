// Label rows: whatever is accepted lies within the image and survives being written and read.
#include <cmath>

#include "fuzz/attempt.h"
#include "gannet/curate/convert/convert_text.h"
#include "gannet/data/labels/label_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gannet::fuzz::require;
  const gannet::ParsedLabels parsed =
      gannet::parse_labels(gannet::fuzz::text_of(data, size), "fuzz.txt");
  require(parsed.polygons.empty() || parsed.polygons.size() == parsed.labels.size());
  gannet::IndexedImage image;
  image.labels = parsed.labels;
  image.polygons = parsed.polygons;
  gannet::ConvertLosses losses;
  const std::string text = gannet::yolo_text(image, true, losses);
  const gannet::ParsedLabels again = gannet::parse_labels(text, "fuzz.txt");
  require(again.problems.empty() && again.labels == parsed.labels &&
          again.polygons == parsed.polygons);
  return 0;
}
