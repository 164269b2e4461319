// Where the kernel tells what the control groups of this process (versions 1 and 2) leave it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gannet {

struct ControlGroup {
  std::filesystem::path folder;
  int version = 2;
};

/// The groups that bind this process: its own, those around it, and the mounted root itself, in
/// which a container sees its limits.
/// @param controller of version 1, such as "memory"
/// @param root folder that holds `proc` and `sys`
std::vector<ControlGroup> control_groups(const std::filesystem::path& root,
                                         const std::string& controller);

}  // namespace gannet
