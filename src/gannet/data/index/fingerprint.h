// A short text that differs wherever a data set does; ranks and resumed runs compare it.
#pragma once

#include <string>

#include "gannet/data/index/image_index.h"

namespace gannet {

/// Sizes and labels of all images. Paths do not count: they may differ from machine to machine.
std::string fingerprint(const ImageIndex& index);

}  // namespace gannet
