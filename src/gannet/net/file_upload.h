// Uploads into a folder of this machine, or of one that is mounted.
#pragma once

#include <memory>
#include <string>

#include "gannet/net/upload.h"

namespace gannet {

/// @param address file:///folder, %XX decoded; the folder is made by the first `put`
/// Throws Error (kUsage) where the address names no folder that this process could write to.
std::unique_ptr<Uploader> make_file_uploader(const std::string& address);

}  // namespace gannet
