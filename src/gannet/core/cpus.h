// How many processors this process may keep busy: the measure of all thread counts.
#pragma once

#include <filesystem>

namespace gannet {

/// The processors that the process is bound to, and no more than its control groups give it time
/// for (quota of versions 1 and 2, rounded up); at least 1.
/// @param root folder that holds `proc` and `sys`, for tests
int available_cpus(const std::filesystem::path& root = "/");

}  // namespace gannet
