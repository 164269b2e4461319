// Small text helpers: splitting, trimming, and the nearest name for "did you mean".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gannet {

std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);

/// The candidate with the smallest edit distance; empty if there are none.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace gannet
