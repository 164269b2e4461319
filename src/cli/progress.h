// Progress of long work on stderr: a bar on a terminal, now and then a line elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace gannet::cli {

/// @param verb what is done to the images, "checked"
std::function<void(std::int64_t done, std::int64_t total)> show_progress(const std::string& verb);

}  // namespace gannet::cli
