#include "gannet/data/labels/class_numbers.h"

namespace gannet {

ClassNumbers::ClassNumbers(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) numbers_.emplace(names[i], static_cast<int>(i));
}

int ClassNumbers::find(std::string_view name) const {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? -1 : found->second;
}

}  // namespace gannet
