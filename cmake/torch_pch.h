// Precompiled once for the sources that use torch: a convenience only, every header compiles alone.
// Not <torch/torch.h>: what its inline functions instantiate is compiled again in every source, 5 s
// each.
#pragma once

#include <fmt/format.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <vector>
