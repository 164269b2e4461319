// What names a live stream: addresses, numbers of cameras, and files that list them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gannet {

/// The number of a camera: one to three digits.
bool is_camera(std::string_view text);

/// Whether a text begins with a scheme of network streams (rtsp://, http://, ...), in any case.
bool is_stream_address(std::string_view text);

/// The addresses and camera numbers that a list names; none of a list of files. Blank lines
/// and those that begin with # do not count. Throws Error (kUsage) for another line among
/// addresses, which would be left out.
std::vector<std::string> parse_stream_list(std::string_view text, const std::string& path = {});

}  // namespace gannet
