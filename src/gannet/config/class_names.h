// Class names as one line of text, in the form that exported networks carry them.
#pragma once

#include <string>
#include <vector>

namespace gannet {

/// "{0: 'cat', 1: 'dog'}": a Python dict, which is flow YAML as well.
std::string class_names_text(const std::vector<std::string>& names);

/// Names by number, from such a text or a list ("['cat', 'dog']"). Throws Error (kConfig) naming
/// `file` where the numbers are not 0, 1, 2, ... or a name is missing.
std::vector<std::string> parse_class_names(const std::string& text, const std::string& file);

}  // namespace gannet
