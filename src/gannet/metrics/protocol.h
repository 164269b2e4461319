// The three ways of measuring detections. They differ in how detections are matched to labels, in
// how a precision-recall curve becomes one number, and in where P and R are read off it.
#pragma once

#include <string_view>

namespace gannet {

enum class MetricProtocol {
  kJuly2020,  // the first YOLOv5 (RB 7.1 step 5 and 7.4)
  kV7,    // its release 7.0 (release 7.0, 8.3 and 8.4), the closed end of the curve (R10) included
  kCoco,  // COCO's own rule
};

/// "july2020", "v7" or "coco".
std::string_view name_of(MetricProtocol protocol);

/// The protocol of a name; throws Error (kUsage) for another one.
MetricProtocol protocol_named(std::string_view name);

}  // namespace gannet
