// What this build is: versions and what its engine can do.
#pragma once

#include <string>

namespace gannet {

/// "0.1.0, LibTorch 2.13.0, gloo, bf16"
std::string build_description();

/// Whether this build and this machine have a CUDA device.
bool gpus_available();

}  // namespace gannet
