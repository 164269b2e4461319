// Detections in COCO's results form: what is read is complete and finite.
#include <cmath>

#include "fuzz/attempt.h"
#include "gannet/data/labels/coco_detections.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gannet::fuzz::require;
  gannet::fuzz::attempt([&] {
    const std::string_view text = gannet::fuzz::text_of(data, size);
    for (const auto& detection : gannet::parse_coco_detections(text, "fuzz.json")) {
      require(std::isfinite(detection.score));
      for (const double number : detection.box_px) require(std::isfinite(number));
      require(detection.box_px[2] >= 0 && detection.box_px[3] >= 0);
    }
  });
  return 0;
}
