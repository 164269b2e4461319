// What --source stands for: image and video files, or live streams.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gannet {

struct SourceList {
  std::vector<std::string> files;    // images first, then videos; each kind sorted
  std::vector<std::string> streams;  // addresses and numbers of cameras; either these or files
  std::vector<std::string> notes;    // what there is beside them and is left out, in words
};

/// @param source an image, a video, a folder, a pattern, a list file; a camera's number; an address
///     (rtsp://, rtmp://, http://, https://); a file that lists such addresses, one a line
/// @param recursive folders stand for what their subfolders hold, too
/// Throws Error (kUsage) where there is nothing that can be read.
SourceList find_sources(const std::string& source, bool recursive);

/// The addresses and camera numbers that a list names, none where it names no address. Blank lines
/// and those that begin with # do not count. Throws Error (kUsage) for another line among
/// addresses, which would be left out.
std::vector<std::string> parse_stream_list(std::string_view text, const std::string& path = {});

}  // namespace gannet
