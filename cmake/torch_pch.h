// Precompiled once for the sources that use torch: a convenience only, every header compiles alone.
#pragma once

#include <fmt/format.h>
#include <torch/torch.h>

#include <string>
#include <vector>
