// COCO json: parsing, matching to images, and labels within the image.
#include "fuzz/attempt.h"
#include "gannet/data/labels/coco_labels.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gannet::fuzz::require;
  gannet::fuzz::attempt([&] {
    gannet::CocoFile file = gannet::parse_coco(gannet::fuzz::text_of(data, size), "fuzz.json");
    const std::vector<std::string> images = {"images/a.jpg", "images/b.jpg"};
    const gannet::CocoLabels labels(std::move(file), "fuzz.json", images, {});
    for (std::size_t i = 0; i < images.size(); ++i) {
      const gannet::ParsedLabels parsed = labels.labels_of(i, {40, 30});
      require(parsed.polygons.empty() || parsed.polygons.size() == parsed.labels.size());
      for (const gannet::Label& label : parsed.labels) {
        require(label.cx >= 0 && label.cx <= 1 && label.cy >= 0 && label.cy <= 1);
        require(label.width >= 0 && label.width <= 1 && label.height >= 0 && label.height <= 1);
      }
    }
  });
  return 0;
}
