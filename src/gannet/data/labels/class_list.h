// The lists of class names that drawing tools leave beside labels, compared with those of the data
// set: another order gives every object a wrong name, and nothing else would say so.
#pragma once

#include <string>
#include <vector>

namespace gannet {

/// One line for each classes.txt in or above the folders of these images' YOLO labels that has
/// names of the data set under other numbers.
std::vector<std::string> check_class_lists(const std::vector<std::string>& images,
                                           const std::vector<std::string>& names);

}  // namespace gannet
