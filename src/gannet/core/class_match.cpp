#include "gannet/core/class_match.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "gannet/core/text.h"

namespace gannet {
namespace {

bool repeats(const std::vector<std::string>& names, const std::string& name) {
  return std::count(names.begin(), names.end(), name) > 1;
}

/// The only entry that is the same under `form`; -1: none or several.
int find_only(const std::vector<std::string>& names, const std::string& name,
              const std::function<std::string(const std::string&)>& form) {
  int found = -1;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (form(names[i]) != form(name)) continue;
    if (found >= 0) return -1;
    found = static_cast<int>(i);
  }
  return found;
}

std::string as_is(const std::string& name) { return name; }
std::string plain(const std::string& name) { return to_lower(trim(name)); }

}  // namespace

bool ClassMatch::is_identity() const {
  for (std::size_t i = 0; i < to.size(); ++i)
    if (to[i] != static_cast<int>(i)) return false;
  return unused.empty();
}

ClassMatch match_classes(const std::vector<std::string>& from,
                         const std::vector<std::string>& onto) {
  ClassMatch match;
  match.to.resize(from.size(), -1);
  if (from == onto) {
    std::iota(match.to.begin(), match.to.end(), 0);
    return match;
  }
  std::vector<bool> used(onto.size());
  const auto take = [&](std::size_t i, int number) {
    match.to[i] = number;
    used[static_cast<std::size_t>(number)] = true;
  };
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (repeats(from, from[i]) || repeats(onto, from[i])) {
      match.ambiguous.push_back(from[i]);
    } else if (const int number = find_only(onto, from[i], as_is); number >= 0) {
      take(i, number);
    }
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (match.to[i] >= 0 || repeats(from, from[i]) || repeats(onto, from[i])) continue;
    const int number = find_only(onto, from[i], plain);
    if (number >= 0 && !used[static_cast<std::size_t>(number)] &&
        find_only(from, from[i], plain) >= 0) {
      take(i, number);
    } else {
      match.unknown.push_back(from[i]);
    }
  }
  for (std::size_t i = 0; i < onto.size(); ++i)
    if (!used[i]) match.unused.push_back(onto[i]);
  return match;
}

bool are_class_names(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != fmt::format("{}", i) && names[i] != fmt::format("class{}", i)) return true;
  }
  return false;
}

std::string list_names(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 10;
  const std::vector<std::string> first(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kNamed)));
  std::string text = fmt::format("{}", fmt::join(first, ", "));
  if (names.size() > kNamed) text += fmt::format(" and {} more", names.size() - kNamed);
  return text;
}

}  // namespace gannet
