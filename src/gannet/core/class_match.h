// Classes of one list of names found in another: of a model in a data set, and the other way round.
#pragma once

#include <string>
#include <vector>

namespace gannet {

struct ClassMatch {
  std::vector<int> to;                 // for each name of `from` its number in `onto`; -1: none
  std::vector<std::string> unknown;    // names of `from` that `onto` does not have
  std::vector<std::string> ambiguous;  // names that either list has more than once
  std::vector<std::string> unused;     // names of `onto` that `from` does not have
  /// Every class has the same number on both sides, and neither side has more.
  bool is_identity() const;
};

/// By name; where no name is equal, capitals and blanks at the ends do not count. Equal lists match
/// number by number, whatever they hold.
ClassMatch match_classes(const std::vector<std::string>& from,
                         const std::vector<std::string>& onto);

/// False for no names and for such that only count: "0", "1", ... or "class0", "class1", ...
bool are_class_names(const std::vector<std::string>& names);

/// "RBC, WBC and 3 more"
std::string list_names(const std::vector<std::string>& names);

}  // namespace gannet
