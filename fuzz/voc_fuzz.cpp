// Pascal VOC xml: whatever is accepted lies within the image.
#include "fuzz/attempt.h"
#include "gannet/data/labels/voc_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gannet::fuzz::require;
  gannet::fuzz::attempt([&] {
    static const gannet::ClassNumbers numbers({"RBC", "WBC", "Platelets"});
    const gannet::ParsedLabels parsed =
        gannet::parse_voc(gannet::fuzz::text_of(data, size), "fuzz.xml", {{40, 30}, &numbers});
    require(parsed.difficult.empty() || parsed.difficult.size() == parsed.labels.size());
    for (const gannet::Label& label : parsed.labels) {
      require(label.cx >= 0 && label.cx <= 1 && label.cy >= 0 && label.cy <= 1);
      require(label.width >= 0 && label.width <= 1 && label.height >= 0 && label.height <= 1);
    }
  });
  return 0;
}
