// Class numbers by name, as annotation formats that name their classes need them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gannet {

class ClassNumbers {
 public:
  explicit ClassNumbers(const std::vector<std::string>& names);
  int find(std::string_view name) const;  // -1: not one of them

 private:
  std::map<std::string, int, std::less<>> numbers_;
};

}  // namespace gannet
