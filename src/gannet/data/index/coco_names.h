// Class names out of a COCO file, for data descriptions that have none of their own.
#pragma once

#include <string>
#include <vector>

namespace gannet {

/// In the order of category ids; remembered in the label cache, as such a file may be large.
std::vector<std::string> coco_names(const std::string& json);

}  // namespace gannet
