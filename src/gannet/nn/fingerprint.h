// A short text that differs wherever a model does; ranks compare it before they start.
#pragma once

#include <string>

#include "gannet/nn/model.h"

namespace gannet {

/// Names and values of all parameters and buffers.
/// @param statistics whether running statistics count; in the middle of an epoch ranks have their
/// own
std::string fingerprint(const DetectionModel& model, bool statistics = true);

}  // namespace gannet
