// What a request wants to see of the objects in its pictures: the parameters of its address.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gannet/core/box.h"

namespace gannet {

struct AnswerFilter {
  double least = 0;            // confidence
  std::set<int> classes = {};  // empty: all

  bool shows(const Detection& found) const {
    return found.score >= least && (classes.empty() || classes.contains(found.class_id));
  }
};

/// `conf`, a number in 0 to 1, and `classes`, names or numbers with commas between them; a name
/// goes before a number that looks like it.
/// @param names of the classes, by number
/// Throws HttpError (400) for a value that is none, a class that is not there, another parameter.
AnswerFilter filter_of(const std::multimap<std::string, std::string>& parameters,
                       const std::vector<std::string>& names);

}  // namespace gannet
