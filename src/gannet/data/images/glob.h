// File patterns as shells know them.
#pragma once

#include <string>
#include <vector>

namespace gannet {

bool is_glob(const std::string& text);  // has *, ? or [

/// Paths that match, sorted, hidden ones left out. In a part of the pattern `*`, `?` and `[...]` do
/// not go over a slash; a part `**` stands for any number of folders. A part that exists under
/// exactly its name is that, whatever its brackets. Nothing if nothing matches.
std::vector<std::string> glob(const std::string& pattern);

}  // namespace gannet
