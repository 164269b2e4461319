// IoU as release 7.0 computes it where it matches detections to labels.
#pragma once

#include "gannet/core/box.h"

namespace gannet {

/// Intersection over union in single precision with 1e-7 added to the union; 0 where it is empty.
float iou_of_v7(const Box& label, const Box& detection);

}  // namespace gannet
