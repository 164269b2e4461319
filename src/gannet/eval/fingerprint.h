// Short texts that differ wherever a data set or a model does; ranks compare them before they
// start.
#pragma once

#include <string>

#include "gannet/data/index/image_index.h"
#include "gannet/nn/model.h"

namespace gannet {

/// Sizes and labels of all images. Paths do not count: they may differ from machine to machine.
std::string fingerprint(const ImageIndex& index);

/// Names and values of all parameters and buffers.
/// @param statistics whether running statistics count; in the middle of an epoch ranks have their
/// own
std::string fingerprint(const DetectionModel& model, bool statistics = true);

}  // namespace gannet
