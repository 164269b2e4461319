// Small text helpers: splitting, trimming, and the nearest name for "did you mean".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gannet {

std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);

/// The text behind the three bytes that some editors write at the start of a UTF-8 file.
std::string_view without_byte_order_mark(std::string_view text);

/// Valid UTF-8 without control characters.
bool is_printable_utf8(std::string_view text);

/// Takes the first character off UTF-8 text that is not empty; U+FFFD for a byte that begins none,
/// for surrogates and for codes above U+10FFFF.
char32_t take_character(std::string_view& text);

/// Foreign text fit for a terminal or JSON: what is no UTF-8 or would steer a terminal becomes
/// "\\xNN"; beyond `max_bytes` it is cut and ends in "...".
std::string printable(std::string_view text, std::size_t max_bytes = 200);

/// Characters to insert, delete or replace to get from one text to the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate with the smallest edit distance; empty if there are none.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace gannet
